CREATE TABLE "authors" (
	"id" serial PRIMARY KEY NOT NULL,
	"email" varchar(120) NOT NULL,
	"handle" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "authors_email_unique" UNIQUE("email"),
	CONSTRAINT "handle_taken" UNIQUE NULLS NOT DISTINCT("handle")
);
--> statement-breakpoint
CREATE TABLE "books" (
	"shelf" integer NOT NULL,
	"slot" integer NOT NULL,
	"author_id" integer,
	"title" text NOT NULL,
	"price" integer,
	CONSTRAINT "books_shelf_slot_pk" PRIMARY KEY("shelf","slot"),
	CONSTRAINT "books_title_author_id_unique" UNIQUE("title","author_id"),
	CONSTRAINT "one_price" UNIQUE NULLS NOT DISTINCT("price"),
	CONSTRAINT "price_is_positive" CHECK ("books"."price" > 0)
);
--> statement-breakpoint
CREATE TABLE "loans" (
	"id" serial PRIMARY KEY NOT NULL,
	"shelf" integer,
	"slot" integer
);
--> statement-breakpoint
ALTER TABLE "books" ADD CONSTRAINT "books_author_id_authors_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."authors"("id") ON DELETE cascade ON UPDATE restrict;--> statement-breakpoint
ALTER TABLE "loans" ADD CONSTRAINT "loans_shelf_slot_books_shelf_slot_fk" FOREIGN KEY ("shelf","slot") REFERENCES "public"."books"("shelf","slot") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "books_title_index" ON "books" USING btree ("title");--> statement-breakpoint
CREATE UNIQUE INDEX "books_title_ci" ON "books" USING btree (lower("title"));