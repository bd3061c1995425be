CREATE TABLE `people` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text DEFAULT 'it''s'
);
--> statement-breakpoint
CREATE VIEW `everyone` AS select "id", "name" from "people";--> statement-breakpoint
CREATE VIEW `named` AS select id from people;--> statement-breakpoint
CREATE VIEW `one` AS select "id", upper("name") as "shout" from "people" where "people"."id" = 1;