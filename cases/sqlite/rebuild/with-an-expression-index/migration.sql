PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_a` (
	`id` integer PRIMARY KEY NOT NULL,
	`x` text NOT NULL,
	`l` integer GENERATED ALWAYS AS (length(x)) VIRTUAL
);
--> statement-breakpoint
INSERT INTO `__new_a`("id", "x", "l") SELECT "id", "x", "l" FROM `a`;--> statement-breakpoint
DROP TABLE `a`;--> statement-breakpoint
ALTER TABLE `__new_a` RENAME TO `a`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `a_x` ON `a` (`lower("x")`);