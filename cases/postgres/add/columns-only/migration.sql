ALTER TABLE "a" ADD COLUMN "note" text DEFAULT '-' NOT NULL;--> statement-breakpoint
ALTER TABLE "a" ADD COLUMN "done" boolean DEFAULT false;