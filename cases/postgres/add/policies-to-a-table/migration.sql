CREATE TABLE "fresh" (
	"id" integer
);
--> statement-breakpoint
ALTER TABLE "fresh" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "plain" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "secrets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE VIEW "public"."ids" AS (select "id" from "plain");--> statement-breakpoint
CREATE POLICY "own" ON "secrets" AS PERMISSIVE FOR ALL TO public USING ("secrets"."owner" = current_user);--> statement-breakpoint
CREATE POLICY "nobody" ON "fresh" AS PERMISSIVE FOR SELECT TO public USING (false);