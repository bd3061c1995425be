CREATE TABLE `left` (
	`id` integer PRIMARY KEY NOT NULL,
	`other` integer,
	FOREIGN KEY (`other`) REFERENCES `right`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `nodes` (
	`id` integer PRIMARY KEY NOT NULL,
	`parent` integer,
	FOREIGN KEY (`parent`) REFERENCES `nodes`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `right` (
	`id` integer PRIMARY KEY NOT NULL,
	`other` integer,
	FOREIGN KEY (`other`) REFERENCES `left`(`id`) ON UPDATE no action ON DELETE no action
);
