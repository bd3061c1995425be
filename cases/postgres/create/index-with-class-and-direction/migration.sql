CREATE TABLE "t" (
	"a" text,
	"b" text
);
--> statement-breakpoint
CREATE INDEX "t_a" ON "t" USING btree ("a" text_pattern_ops,"b" text_ops);