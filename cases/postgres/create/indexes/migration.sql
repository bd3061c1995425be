CREATE SCHEMA "app";
--> statement-breakpoint
CREATE TABLE "app"."inner" (
	"a" integer
);
--> statement-breakpoint
CREATE TABLE "things" (
	"id" integer PRIMARY KEY NOT NULL,
	"name" text,
	"kind" text,
	"body" jsonb,
	"place" vector(3)
);
--> statement-breakpoint
CREATE INDEX "inner_a" ON "app"."inner" USING btree ("a");--> statement-breakpoint
CREATE INDEX "things_name_kind_index" ON "things" USING btree ("name","kind");--> statement-breakpoint
CREATE INDEX "things_desc" ON "things" USING btree ("name" DESC NULLS LAST,"kind" NULLS FIRST);--> statement-breakpoint
CREATE INDEX "things_desc_last" ON "things" USING btree ("name" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "things_gin" ON "things" USING gin ("body");--> statement-breakpoint
CREATE INDEX "things_ops" ON "things" USING btree ("name" text_pattern_ops);--> statement-breakpoint
CREATE INDEX "things_mixed" ON "things" USING btree (lower("name"),"kind");--> statement-breakpoint
CREATE UNIQUE INDEX "things_partial" ON "things" USING btree ("name") WHERE "things"."kind" is not null;--> statement-breakpoint
CREATE INDEX "things_with" ON "things" USING btree ("kind") WITH (fillfactor=70,deduplicate_items=true);--> statement-breakpoint
CREATE INDEX "things_place" ON "things" USING hnsw ("place" vector_l2_ops) WITH (m=16);--> statement-breakpoint
CREATE INDEX CONCURRENTLY "things_later" ON "things" USING btree ("id");