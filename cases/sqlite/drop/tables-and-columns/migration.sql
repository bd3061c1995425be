DROP TABLE `notes`;--> statement-breakpoint
DROP INDEX `kept_code_unique`;--> statement-breakpoint
DROP INDEX `kept_gone`;--> statement-breakpoint
ALTER TABLE `kept` DROP COLUMN `gone`;--> statement-breakpoint
DROP VIEW `v`;