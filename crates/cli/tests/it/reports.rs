//! What commands print: JSON that follows the published schema, text for people.
