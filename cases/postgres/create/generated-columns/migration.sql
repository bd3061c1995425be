CREATE TABLE "names" (
	"first" text NOT NULL,
	"last" text,
	"both" text GENERATED ALWAYS AS ("names"."first" || ' ' || "names"."last") STORED,
	"length" integer GENERATED ALWAYS AS (length(first)) STORED NOT NULL,
	"shout" text GENERATED ALWAYS AS (upper(first)) STORED
);
