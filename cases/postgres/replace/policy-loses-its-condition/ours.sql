DROP POLICY "p" ON "t" CASCADE;--> statement-breakpoint
CREATE POLICY "p" ON "t" AS PERMISSIVE FOR ALL TO public USING (true);