CREATE TABLE `1` (
	`a` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `1_a_unique` ON `1` (`a`);--> statement-breakpoint
CREATE TABLE `2` (
	`a` integer
);
--> statement-breakpoint
CREATE TABLE `Odd table-name` (
	`9` integer,
	`10` integer,
	`b` integer,
	`select` text,
	`grüße` text,
	`01` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `7` ON `Odd table-name` (`9`);--> statement-breakpoint
CREATE INDEX `alpha` ON `Odd table-name` (`10`);