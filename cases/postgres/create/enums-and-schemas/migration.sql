CREATE SCHEMA "app";
--> statement-breakpoint
CREATE SCHEMA "audit";
--> statement-breakpoint
CREATE TYPE "app"."level" AS ENUM('low', 'high');--> statement-breakpoint
CREATE TYPE "public"."mood" AS ENUM('calm', 'it''s fine', 'angry');--> statement-breakpoint
CREATE TABLE "app"."alerts" (
	"id" integer PRIMARY KEY NOT NULL,
	"person" integer,
	"level" "app"."level" NOT NULL,
	"levels" "app"."level"[][]
);
--> statement-breakpoint
CREATE TABLE "audit"."entries" (
	"alert" integer,
	"mood" "mood"
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" integer PRIMARY KEY NOT NULL,
	"mood" "mood" DEFAULT 'calm' NOT NULL,
	"moods" "mood"[]
);
--> statement-breakpoint
ALTER TABLE "app"."alerts" ADD CONSTRAINT "alerts_person_people_id_fk" FOREIGN KEY ("person") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit"."entries" ADD CONSTRAINT "entries_alert_alerts_id_fk" FOREIGN KEY ("alert") REFERENCES "app"."alerts"("id") ON DELETE no action ON UPDATE no action;