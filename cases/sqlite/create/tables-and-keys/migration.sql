CREATE TABLE `authors` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`email` text NOT NULL,
	`handle` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `authors_email_unique` ON `authors` (`email`);--> statement-breakpoint
CREATE UNIQUE INDEX `handle_taken` ON `authors` (`handle`);--> statement-breakpoint
CREATE TABLE `books` (
	`shelf` integer NOT NULL,
	`slot` integer NOT NULL,
	`author_id` integer,
	`title` text NOT NULL,
	`price` real,
	PRIMARY KEY(`shelf`, `slot`),
	FOREIGN KEY (`author_id`) REFERENCES `authors`(`id`) ON UPDATE restrict ON DELETE cascade,
	CONSTRAINT "price_is_positive" CHECK("books"."price" > 0)
);
--> statement-breakpoint
CREATE INDEX `books_title` ON `books` (`title`);--> statement-breakpoint
CREATE UNIQUE INDEX `books_title_ci` ON `books` (lower("title"),`price`);--> statement-breakpoint
CREATE UNIQUE INDEX `books_partial` ON `books` (`title`) WHERE "books"."price" > 10;--> statement-breakpoint
CREATE UNIQUE INDEX `books_title_author_id_unique` ON `books` (`title`,`author_id`);--> statement-breakpoint
CREATE UNIQUE INDEX `one_price` ON `books` (`price`);--> statement-breakpoint
CREATE TABLE `loans` (
	`id` integer PRIMARY KEY NOT NULL,
	`shelf` integer,
	`slot` integer,
	FOREIGN KEY (`shelf`,`slot`) REFERENCES `books`(`shelf`,`slot`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE TABLE `single` (
	`a` text PRIMARY KEY,
	`b` text
);
