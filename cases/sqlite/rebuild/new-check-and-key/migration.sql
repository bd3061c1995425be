PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_books` (
	`id` integer PRIMARY KEY NOT NULL,
	`title` text,
	`author` integer,
	FOREIGN KEY (`author`) REFERENCES `authors`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "titled" CHECK(length("__new_books"."title") > 0)
);
--> statement-breakpoint
INSERT INTO `__new_books`("id", "title", "author") SELECT "id", "title", "author" FROM `books`;--> statement-breakpoint
DROP TABLE `books`;--> statement-breakpoint
ALTER TABLE `__new_books` RENAME TO `books`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `books_title` ON `books` (`title`);