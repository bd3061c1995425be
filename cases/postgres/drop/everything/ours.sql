DROP ROLE "old_role";--> statement-breakpoint
ALTER TABLE "kept" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "legacy"."notes" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "people" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP VIEW "public"."v";--> statement-breakpoint
DROP MATERIALIZED VIEW "public"."m";--> statement-breakpoint
ALTER TABLE "kept" DROP CONSTRAINT "kept_also_people_id_fk";
--> statement-breakpoint
DROP POLICY "p1" ON "legacy"."notes" CASCADE;--> statement-breakpoint
DROP POLICY "p2" ON "legacy"."notes" CASCADE;--> statement-breakpoint
DROP TABLE "legacy"."notes" CASCADE;--> statement-breakpoint
DROP TABLE "people" CASCADE;--> statement-breakpoint
ALTER TABLE "kept" DROP CONSTRAINT "kept_code_unique";--> statement-breakpoint
ALTER TABLE "kept" DROP CONSTRAINT "pair";--> statement-breakpoint
ALTER TABLE "kept" DROP CONSTRAINT "positive";--> statement-breakpoint
DROP INDEX "kept_gone";--> statement-breakpoint
ALTER TABLE "kept" DROP CONSTRAINT "kept_id_code_pk";--> statement-breakpoint
ALTER TABLE "kept" DROP COLUMN "gone";--> statement-breakpoint
DROP POLICY "old" ON "kept" CASCADE;--> statement-breakpoint
DROP POLICY "linked" ON "public"."elsewhere" CASCADE;--> statement-breakpoint
DROP TYPE "public"."mood";--> statement-breakpoint
DROP SEQUENCE "public"."tickets";--> statement-breakpoint
DROP SCHEMA "legacy";
