//! The tables in which other migration tools record what they applied.

/// Names and tools. Some tools spell a name in capitals on some engines.
const TABLES: [(&str, &str); 18] = [
    ("__diesel_schema_migrations", "Diesel"),
    ("__EFMigrationsHistory", "Entity Framework"),
    ("_prisma_migrations", "Prisma"),
    ("_sqlx_migrations", "sqlx"),
    ("alembic_version", "Alembic"),
    ("ar_internal_metadata", "Rails"),
    ("d1_migrations", "wrangler"),
    ("databasechangelog", "Liquibase"),
    ("databasechangeloglock", "Liquibase"),
    ("django_migrations", "Django"),
    ("flyway_schema_history", "Flyway"),
    ("goose_db_version", "goose"),
    ("knex_migrations", "Knex"),
    ("knex_migrations_lock", "Knex"),
    ("mikro_orm_migrations", "MikroORM"),
    ("schema_migrations", "Rails or its like"),
    ("SequelizeMeta", "Sequelize"),
    ("typeorm_metadata", "TypeORM"),
];

/// The tool that keeps its books in a table of this name.
pub fn tool_of(table: &str) -> Option<&'static str> {
    TABLES.iter().find(|it| it.0.eq_ignore_ascii_case(table)).map(|it| it.1)
}
