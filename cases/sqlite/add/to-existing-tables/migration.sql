CREATE TABLE `parts` (
	`id` integer PRIMARY KEY NOT NULL,
	`book` integer,
	FOREIGN KEY (`book`) REFERENCES `books`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `parts_book` ON `parts` (`book`);--> statement-breakpoint
ALTER TABLE `authors` ADD `email` text;--> statement-breakpoint
ALTER TABLE `authors` ADD `kind` text DEFAULT 'a' NOT NULL;--> statement-breakpoint
ALTER TABLE `authors` ADD `shout` text GENERATED ALWAYS AS (upper(name)) VIRTUAL;--> statement-breakpoint
CREATE UNIQUE INDEX `authors_email_unique` ON `authors` (`email`);--> statement-breakpoint
CREATE INDEX `authors_name` ON `authors` (`name`);--> statement-breakpoint
ALTER TABLE `books` ADD `author` integer REFERENCES authors(id);--> statement-breakpoint
CREATE UNIQUE INDEX `books_title` ON `books` (lower("title"));--> statement-breakpoint
CREATE VIEW `titles` AS select "title" from "books";