CREATE TABLE "t" (
	"a" text,
	"b" integer,
	CONSTRAINT "t_a" CHECK ("t"."a" <> ')
);
--> statement-breakpoint
ALTER TABLE "t" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "t_p" ON "t" AS PERMISSIVE FOR ALL TO public USING (a <> ') WITH CHECK (');