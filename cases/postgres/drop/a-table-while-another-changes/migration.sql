CREATE TABLE "fresh" (
	"id" integer
);
--> statement-breakpoint
ALTER TABLE "gone" DISABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP TABLE "gone" CASCADE;--> statement-breakpoint
CREATE INDEX "kept_id_index" ON "kept" USING btree ("id");