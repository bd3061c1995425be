import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
try {
  await migrate(drizzle({ client: pool }), { migrationsFolder: process.argv[1] });
} catch (error) {
  const cause = error.cause ?? error;
  console.log(JSON.stringify({ code: cause.code, message: cause.message }));
  process.exitCode = 1;
} finally {
  await pool.end();
}
