DROP TABLE "b" CASCADE;--> statement-breakpoint
ALTER TABLE "a" DROP COLUMN "x";