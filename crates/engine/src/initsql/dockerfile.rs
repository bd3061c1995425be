//! What a Dockerfile copies into its image.

use std::path::{Path, PathBuf};

use super::Mount;
use super::compose::joined;

/// Where the official images look for scripts.
pub const INIT_FOLDER: &str = "/docker-entrypoint-initdb.d";

/// The `COPY` and `ADD` lines of a Dockerfile as mounts. `context` is the folder that they copy from.
pub fn copies(text: &str, context: &Path) -> Vec<Mount> {
    let mut workdir = PathBuf::from("/");
    let mut mounts = Vec::new();
    for line in instructions(text) {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match name.to_ascii_uppercase().as_str() {
            "WORKDIR" => workdir = joined(&workdir, rest.trim()),
            "COPY" | "ADD" => mounts.extend(copied(rest, context, &workdir)),
            _ => {}
        }
    }
    mounts
}

/// Lines joined where a backslash continues them, without comments.
fn instructions(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for line in text.lines().map(str::trim).filter(|it| !it.starts_with('#')) {
        let last = lines.last_mut().expect("there is always a line");
        match line.strip_suffix('\\') {
            Some(part) => last.extend([part, " "]),
            None => {
                last.push_str(line);
                lines.push(String::new());
            }
        }
    }
    lines
}

fn copied(arguments: &str, context: &Path, workdir: &Path) -> Vec<Mount> {
    if arguments.contains("--from=") {
        return Vec::new();
    }
    let plain = arguments.trim_start().starts_with("--").then(|| {
        let flags = |it: &&str| it.starts_with("--");
        arguments.split_whitespace().skip_while(flags).collect::<Vec<_>>().join(" ")
    });
    let arguments = plain.as_deref().unwrap_or(arguments).trim();
    let paths: Vec<String> = serde_json::from_str(arguments)
        .unwrap_or_else(|_| arguments.split_whitespace().map(str::to_owned).collect());
    let Some((target, sources)) = paths.split_last() else { return Vec::new() };
    let container = joined(workdir, target);
    let hosts: Vec<_> = sources.iter().flat_map(|it| matching(context, it)).collect();
    let into_folder = target.ends_with('/') || 1 < hosts.len() || target == INIT_FOLDER;
    hosts.into_iter().map(|host| place(host, &container, into_folder)).collect()
}

/// Docker copies the contents of a folder, but a file by its name.
fn place(host: PathBuf, container: &Path, into_folder: bool) -> Mount {
    let name = host.file_name().filter(|_| into_folder && !host.is_dir());
    let container = name.map_or(container.to_owned(), |it| container.join(it));
    Mount { host, container }
}

fn matching(context: &Path, source: &str) -> Vec<PathBuf> {
    let path = joined(context, source.trim_start_matches('/'));
    if !source.contains(['*', '?', '[']) {
        return vec![path];
    }
    glob::glob(&path.to_string_lossy()).map(|it| it.flatten().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_read_in_all_their_forms() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join("sql")).unwrap();
        for name in ["a.sql", "b.sql", "c.sh", "sql/d.sql"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let text = "FROM postgres:16\n# COPY x /y\nCOPY --chown=postgres:postgres a.sql \\\n  /docker-entrypoint-initdb.d/\n\
            ADD *.sql /docker-entrypoint-initdb.d\ncopy [\"c.sh\", \"/docker-entrypoint-initdb.d/0.sh\"]\nCOPY sql/ /docker-entrypoint-initdb.d/\n\
            COPY --from=build /x /docker-entrypoint-initdb.d/\nWORKDIR /docker-entrypoint-initdb.d\nCOPY a.sql z.sql\n";
        let shown: Vec<_> = copies(text, root)
            .into_iter()
            .map(|it| {
                format!(
                    "{} {}",
                    it.host.strip_prefix(root).unwrap().display(),
                    it.container.display()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a.sql /docker-entrypoint-initdb.d/a.sql",
                "a.sql /docker-entrypoint-initdb.d/a.sql",
                "b.sql /docker-entrypoint-initdb.d/b.sql",
                "c.sh /docker-entrypoint-initdb.d/0.sh",
                "sql /docker-entrypoint-initdb.d",
                "a.sql /docker-entrypoint-initdb.d/z.sql",
            ]
        );
    }
}
