import { drizzle } from "drizzle-orm/mysql2";
import { migrate } from "drizzle-orm/mysql2/migrator";
import mysql from "mysql2/promise";

const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 1 });
try {
  await migrate(drizzle({ client: pool }), { migrationsFolder: process.argv[1] });
} catch (error) {
  const cause = error.cause ?? error;
  console.log(JSON.stringify({ code: cause.code, message: cause.message }));
  process.exitCode = 1;
} finally {
  await pool.end();
}
