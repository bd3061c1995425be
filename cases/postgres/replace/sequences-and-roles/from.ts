import { pgRole, pgSequence } from "drizzle-orm/pg-core";

export const numbers = pgSequence("numbers");
export const role = pgRole("worker");
