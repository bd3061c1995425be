CREATE SCHEMA "app";
--> statement-breakpoint
CREATE TYPE "public"."dateKind" AS ENUM('a');--> statement-breakpoint
CREATE TYPE "app"."text_kind" AS ENUM('a');--> statement-breakpoint
CREATE TYPE "public"."time_kind" AS ENUM('a');--> statement-breakpoint
CREATE TABLE "app"."t" (
	"id" integer,
	"a" "app"."text_kind",
	"b" time_kind,
	"c" "dateKind",
	"d" "app"."text_kind"[]
);
