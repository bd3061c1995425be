DROP INDEX `a_x`;--> statement-breakpoint
CREATE INDEX `a_z` ON `a` (`x`,`y`);--> statement-breakpoint
CREATE UNIQUE INDEX `a_x` ON `a` (`x`);--> statement-breakpoint
DROP VIEW `v`;--> statement-breakpoint
CREATE VIEW `v` AS select 2 as one;