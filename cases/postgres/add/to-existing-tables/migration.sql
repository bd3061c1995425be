CREATE TYPE "public"."kind" AS ENUM('a', 'b');--> statement-breakpoint
CREATE TABLE "app"."parts" (
	"book" integer,
	"number" integer,
	CONSTRAINT "parts_book_number_pk" PRIMARY KEY("book","number")
);
--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "email" text NOT NULL;--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "kind" "kind" DEFAULT 'a' NOT NULL;--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "born" timestamp;--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "number" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "authors_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "shout" text GENERATED ALWAYS AS (upper(name)) STORED;--> statement-breakpoint
ALTER TABLE "authors" ADD COLUMN "tags" text[] DEFAULT '{"x"}';--> statement-breakpoint
ALTER TABLE "app"."books" ADD COLUMN "isbn" text;--> statement-breakpoint
ALTER TABLE "app"."parts" ADD CONSTRAINT "parts_book_books_id_fk" FOREIGN KEY ("book") REFERENCES "app"."books"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "parts_number" ON "app"."parts" USING btree ("number");--> statement-breakpoint
ALTER TABLE "app"."books" ADD CONSTRAINT "books_author_authors_id_fk" FOREIGN KEY ("author") REFERENCES "public"."authors"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "authors_name_index" ON "authors" USING btree ("name");--> statement-breakpoint
CREATE UNIQUE INDEX "books_isbn" ON "app"."books" USING btree ("isbn");--> statement-breakpoint
ALTER TABLE "authors" ADD CONSTRAINT "authors_email_unique" UNIQUE("email");--> statement-breakpoint
ALTER TABLE "authors" ADD CONSTRAINT "one_name" UNIQUE NULLS NOT DISTINCT("name");--> statement-breakpoint
ALTER TABLE "authors" ADD CONSTRAINT "has_at" CHECK ("authors"."email" like '%@%');