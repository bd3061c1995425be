DROP VIEW "public"."v";--> statement-breakpoint
ALTER TABLE "b" DROP CONSTRAINT "b_unique";--> statement-breakpoint
ALTER TABLE "b" DROP CONSTRAINT "b_check";--> statement-breakpoint
ALTER TABLE "b" DROP CONSTRAINT "b_to_a";
--> statement-breakpoint
DROP INDEX "b_index";--> statement-breakpoint
ALTER TABLE "b" ADD CONSTRAINT "b_to_a" FOREIGN KEY ("x") REFERENCES "public"."a"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "a_n" ON "a" USING btree ("n");--> statement-breakpoint
CREATE INDEX "b_index" ON "b" USING btree ("z" DESC NULLS LAST);--> statement-breakpoint
ALTER TABLE "b" DROP CONSTRAINT "b_key";
--> statement-breakpoint
ALTER TABLE "b" ADD CONSTRAINT "b_key" PRIMARY KEY("y","x");--> statement-breakpoint
ALTER TABLE "b" ADD CONSTRAINT "b_unique" UNIQUE("z","x");--> statement-breakpoint
ALTER TABLE "b" ADD CONSTRAINT "b_check" CHECK ("b"."x" > 1);--> statement-breakpoint
CREATE VIEW "public"."v" AS (select 2 as one);--> statement-breakpoint
DROP POLICY "swapped" ON "b" CASCADE;--> statement-breakpoint
CREATE POLICY "swapped" ON "b" AS PERMISSIVE FOR UPDATE TO public;--> statement-breakpoint
ALTER POLICY "changed" ON "b" TO current_user,somebody USING (false) WITH CHECK (true);