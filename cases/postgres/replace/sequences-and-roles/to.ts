import { pgRole, pgSequence } from "drizzle-orm/pg-core";

export const numbers = pgSequence("numbers", { increment: 2, maxValue: 100, cycle: true });
export const role = pgRole("worker", { createDb: true, inherit: false });
