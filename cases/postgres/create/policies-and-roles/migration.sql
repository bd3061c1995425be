CREATE SCHEMA "app";
--> statement-breakpoint
CREATE ROLE "admin" WITH CREATEDB CREATEROLE NOINHERIT;--> statement-breakpoint
CREATE ROLE "reader";--> statement-breakpoint
CREATE TABLE "app"."both" (
	"id" integer
);
--> statement-breakpoint
ALTER TABLE "app"."both" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "locked" (
	"id" integer
);
--> statement-breakpoint
ALTER TABLE "locked" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "secrets" (
	"id" integer,
	"owner" text
);
--> statement-breakpoint
ALTER TABLE "secrets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "all_of_it" ON "app"."both" AS PERMISSIVE FOR ALL TO "known" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "linked_inside" ON "locked" AS PERMISSIVE FOR UPDATE TO public;--> statement-breakpoint
CREATE POLICY "read_own" ON "secrets" AS RESTRICTIVE FOR SELECT TO "admin", current_user, "reader" USING ("secrets"."owner" = current_user);--> statement-breakpoint
CREATE POLICY "write_own" ON "secrets" AS PERMISSIVE FOR INSERT TO public WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "plain" ON "secrets" AS PERMISSIVE FOR ALL TO public;--> statement-breakpoint
CREATE POLICY "linked" ON "public"."elsewhere" AS PERMISSIVE FOR DELETE TO "admin" USING (false);