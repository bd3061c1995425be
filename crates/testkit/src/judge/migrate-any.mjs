// Lets one generation of drizzle-orm, over one driver, apply folders of migrations to databases.
// Prints one line per folder: null, or what the database said.
const [generation, driver, jobs] = process.argv.slice(1);
const { drizzle } = await import(`drizzle-orm-${generation}/${driver}`);
const { migrate } = await import(`drizzle-orm-${generation}/${driver}/migrator`);

async function open(url) {
  if (driver === "postgres-js") {
    const { default: postgres } = await import("postgres");
    const client = postgres(url, { max: 1, onnotice: () => {} });
    return { client, close: () => client.end() };
  }
  const { default: pg } = await import("pg");
  const client = new pg.Pool({ connectionString: url, max: 1 });
  return { client, close: () => client.end() };
}

for (const { folder, url } of JSON.parse(jobs)) {
  const { client, close } = await open(url);
  try {
    await migrate(drizzle({ client }), { migrationsFolder: folder });
    console.log("null");
  } catch (error) {
    const cause = error.cause ?? error;
    console.log(JSON.stringify(`${cause.code} ${cause.message}: ${error.message}`));
  } finally {
    await close();
  }
}
