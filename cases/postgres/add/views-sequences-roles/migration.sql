CREATE SCHEMA "app";
--> statement-breakpoint
CREATE SEQUENCE "public"."numbers" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 5 CACHE 1;--> statement-breakpoint
CREATE ROLE "role_of_mine";--> statement-breakpoint
CREATE VIEW "public"."v" AS (select "id" from "a");--> statement-breakpoint
CREATE MATERIALIZED VIEW "public"."m" AS (select "id" from "a");--> statement-breakpoint
CREATE POLICY "p" ON "public"."elsewhere" AS PERMISSIVE FOR ALL TO public USING (true);