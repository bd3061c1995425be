import { createClient } from "@libsql/client";
import { drizzle } from "drizzle-orm/libsql";
import { migrate } from "drizzle-orm/libsql/migrator";

const client = createClient({ url: process.env.DATABASE_URL });
try {
  await migrate(drizzle({ client }), { migrationsFolder: process.argv[1] });
} catch (error) {
  const cause = error.cause ?? error;
  console.log(JSON.stringify({ code: cause.code, message: cause.message }));
  process.exitCode = 1;
} finally {
  client.close();
}
