CREATE SCHEMA "app";
--> statement-breakpoint
CREATE TYPE "public"."mood" AS ENUM('a', 'b');--> statement-breakpoint
CREATE TABLE "people" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text DEFAULT 'it''s',
	"mood" "mood",
	"moods" "mood"[]
);
--> statement-breakpoint
CREATE VIEW "public"."everyone" AS (select "id", "name", "mood", "moods" from "people");--> statement-breakpoint
CREATE VIEW "app"."inner" AS (select "id", upper("name") as "shout" from "people" where "people"."id" = 1);--> statement-breakpoint
CREATE VIEW "public"."named" WITH (check_option = cascaded, security_barrier = true, security_invoker = true) AS (select id, name from people where name is not null);--> statement-breakpoint
CREATE MATERIALIZED VIEW "app"."counts" AS (select 1 as n);--> statement-breakpoint
CREATE MATERIALIZED VIEW "public"."totals" USING "heap" WITH (fillfactor = 80, autovacuum_enabled = false) TABLESPACE pg_default AS (select "id", "name", "mood", "moods" from "people") WITH NO DATA;