CREATE TABLE "Odd table-name" (
	"9" integer,
	"10" integer,
	"b" integer,
	"select" text,
	"grüße" text,
	"with-dash" text,
	"01" text,
	CONSTRAINT "7" UNIQUE("9"),
	CONSTRAINT "alpha" UNIQUE("10")
);
