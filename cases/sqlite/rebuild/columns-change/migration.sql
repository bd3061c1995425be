PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_a` (
	`x` integer,
	`y` integer NOT NULL,
	`z` text DEFAULT '2',
	`w` text NOT NULL,
	PRIMARY KEY(`x`, `z`)
);
--> statement-breakpoint
INSERT INTO `__new_a`("x", "y", "z", "w") SELECT "x", "y", "z", "w" FROM `a`;--> statement-breakpoint
DROP TABLE `a`;--> statement-breakpoint
ALTER TABLE `__new_a` RENAME TO `a`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `a_w` ON `a` (`w`);