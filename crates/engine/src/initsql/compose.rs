//! What compose files say of a database's container: its mounts and its environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Mount;

/// One service of a compose file, as far as a database needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub image: String,
    /// Bind mounts; volumes with a name hold data, not scripts.
    pub mounts: Vec<Mount>,
    pub environment: BTreeMap<String, String>,
    pub build: Option<Build>,
    /// The ports of this machine that lead to PostgreSQL's own port inside.
    pub ports: Vec<u16>,
}

/// PostgreSQL's port inside a container.
const INSIDE: &str = "5432";

/// How a service's image is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub context: PathBuf,
    pub dockerfile: PathBuf,
}

/// Reads the services of a compose file in `folder`. `variables` replace `${NAME}`, as compose takes
/// them from the `.env` beside the file.
///
/// # Errors
/// If the text is no YAML.
pub fn services(
    text: &str,
    folder: &Path,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<Service>, serde_saphyr::Error> {
    let document: Value = serde_saphyr::from_str(&interpolate(text, variables))?;
    let configs = files_by_name(&document, "configs", folder);
    let Some(services) = document.get("services").and_then(Value::as_object) else {
        return Ok(Vec::new());
    };
    let read = |(name, it): (&String, &Value)| {
        let mut mounts = mounts(it, folder);
        mounts.extend(config_mounts(it, &configs));
        Service {
            name: name.clone(),
            image: it.get("image").and_then(Value::as_str).unwrap_or_default().to_owned(),
            mounts,
            environment: environment(it, folder),
            build: build(it, folder),
            ports: ports(it),
        }
    };
    Ok(services.iter().map(read).collect())
}

/// Joins a service of an override file to the one that it overrides.
pub fn merge(services: &mut Vec<Service>, more: Vec<Service>) {
    for it in more {
        let Some(known) = services.iter_mut().find(|known| known.name == it.name) else {
            services.push(it);
            continue;
        };
        known.mounts.retain(|old| it.mounts.iter().all(|new| new.container != old.container));
        known.mounts.extend(it.mounts);
        known.environment.extend(it.environment);
        known.build = it.build.or(known.build.take());
        known.ports.extend(it.ports);
        if !it.image.is_empty() {
            known.image = it.image;
        }
    }
}

/// The lines `NAME=value` of a `.env` file.
pub fn variables(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\'']
            .iter()
            .find_map(|it| value.strip_prefix(*it)?.split(*it).next())
            .unwrap_or_else(|| value.split(" #").next().unwrap_or_default().trim_end());
        (!name.starts_with('#')).then(|| (name.trim().to_owned(), quoted.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-else}`, `${NAME-else}` and `${NAME:?message}`; `$$` is a
/// dollar. A name without a value becomes nothing, as in compose.
fn interpolate(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            after
        } else if let Some((inside, after)) =
            after.strip_prefix('{').and_then(|it| it.split_once('}'))
        {
            result.push_str(&value_of(inside, variables));
            after
        } else {
            let name: String = after.chars().take_while(|it| is_name(*it)).collect();
            result.push_str(variables.get(&name).map_or("", String::as_str));
            after.strip_prefix(name.as_str()).unwrap_or(after)
        };
    }
    result + rest
}

fn is_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

fn value_of(inside: &str, variables: &BTreeMap<String, String>) -> String {
    let name: String = inside.chars().take_while(|it| is_name(*it)).collect();
    let rest = inside.strip_prefix(name.as_str()).unwrap_or_default();
    let value = variables.get(&name).cloned().unwrap_or_default();
    let rest = match rest.strip_prefix(':') {
        Some(rest) if value.is_empty() => rest,
        Some(_) => return value,
        None if variables.contains_key(&name) => return value,
        None => rest,
    };
    rest.strip_prefix('-').map(|it| interpolate(it, variables)).unwrap_or_default()
}

fn mounts(service: &Value, folder: &Path) -> Vec<Mount> {
    let volumes = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
    volumes.filter_map(|it| mount(it, folder)).collect()
}

/// `./db:/docker-entrypoint-initdb.d:ro`, or the same as a mapping.
fn mount(volume: &Value, folder: &Path) -> Option<Mount> {
    let (source, target) = match volume {
        Value::String(short) => {
            let (source, rest) = short.split_once(':')?;
            (source, rest.split(':').next()?)
        }
        _ => {
            let text = |it| volume.get(it).and_then(Value::as_str);
            (text("source").or_else(|| text("src"))?, text("target").or_else(|| text("dst"))?)
        }
    };
    let is_path = source.starts_with(['.', '/', '~']) || source.contains('/');
    is_path
        .then(|| Mount { host: joined(folder, source), container: joined(Path::new("/"), target) })
}

/// `127.0.0.1:54320:5432/tcp`, or the same as a mapping.
fn ports(service: &Value) -> Vec<u16> {
    let published = |it: &Value| match it {
        Value::String(short) => {
            let short = short.trim_end_matches("/tcp");
            short.strip_suffix(INSIDE)?.strip_suffix(':')?.rsplit(':').next()?.parse().ok()
        }
        _ if plain(it.get("target")?) == INSIDE => plain(it.get("published")?).parse().ok(),
        _ => None,
    };
    let ports = service.get("ports").and_then(Value::as_array).into_iter().flatten();
    ports.filter_map(published).collect()
}

/// The path without `.` and `..`, which compares as the same then.
pub(super) fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut result = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if result.file_name().is_some() => {
                result.pop();
            }
            other => result.push(other),
        }
    }
    result
}

fn environment(service: &Value, folder: &Path) -> BTreeMap<String, String> {
    let mut result = BTreeMap::new();
    for file in texts(service.get("env_file")) {
        let text = std::fs::read_to_string(joined(folder, &file)).unwrap_or_default();
        result.extend(variables(&text));
    }
    match service.get("environment") {
        Some(Value::Object(pairs)) => {
            result.extend(pairs.iter().map(|(name, it)| (name.clone(), plain(it))));
        }
        Some(Value::Array(lines)) => {
            result.extend(lines.iter().filter_map(|it| {
                let (name, value) = it.as_str()?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            }));
        }
        _ => {}
    }
    result
}

/// One text, a list of texts, or a list of mappings with a `path`.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            let text =
                |it: &Value| it.as_str().or_else(|| it.get("path")?.as_str()).map(str::to_owned);
            many.iter().filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(it) => it.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn build(service: &Value, folder: &Path) -> Option<Build> {
    let build = service.get("build")?;
    let text = |it| build.get(it).and_then(Value::as_str);
    let context = joined(folder, build.as_str().or_else(|| text("context")).unwrap_or("."));
    let dockerfile = joined(&context, text("dockerfile").unwrap_or("Dockerfile"));
    Some(Build { context, dockerfile })
}

fn files_by_name(document: &Value, key: &str, folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = document.get(key).and_then(Value::as_object).into_iter().flatten();
    let file = |(name, it): (&String, &Value)| {
        Some((name.clone(), joined(folder, it.get("file")?.as_str()?)))
    };
    entries.filter_map(file).collect()
}

fn config_mounts(service: &Value, files: &BTreeMap<String, PathBuf>) -> Vec<Mount> {
    let configs = service.get("configs").and_then(Value::as_array).into_iter().flatten();
    let mount = |it: &Value| {
        let host = files.get(it.get("source")?.as_str()?)?.clone();
        Some(Mount { host, container: PathBuf::from(it.get("target")?.as_str()?) })
    };
    configs.filter_map(mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Service> {
        let variables = variables("DIR=./sql\n# X=1\nexport NAME=\"shop\" # c\nEMPTY=\n");
        services(text, Path::new("/p"), &variables).unwrap()
    }

    fn mounts_of(text: &str) -> Vec<String> {
        let mounts = read(text).into_iter().flat_map(|it| it.mounts);
        mounts.map(|it| format!("{} {}", it.host.display(), it.container.display())).collect()
    }

    #[test]
    fn mounts_are_read_in_short_and_long_form() {
        let text = "
services:
  db:
    image: postgres:16
    volumes:
      - data:/var/lib/postgresql/data
      - ./db/../init.sql:/docker-entrypoint-initdb.d/01.sql:ro
      - ${DIR:?missing}:/sql
      - ${EMPTY:-./e}/$$x:/e
      - type: bind
        source: ../seed
        target: /docker-entrypoint-initdb.d/
        read_only: true
    configs: [{ source: more, target: /docker-entrypoint-initdb.d/02.sql }]
configs: { more: { file: ./more.sql } }
volumes: { data: {} }
";
        assert_eq!(
            mounts_of(text),
            [
                "/p/init.sql /docker-entrypoint-initdb.d/01.sql",
                "/p/sql /sql",
                "/p/e/$x /e",
                "/seed /docker-entrypoint-initdb.d",
                "/p/more.sql /docker-entrypoint-initdb.d/02.sql",
            ]
        );
    }

    #[test]
    fn the_ports_that_lead_to_postgres_are_read_in_short_and_long_form() {
        let text = "
services:
  db:
    image: postgres:16
    ports: ['54320:5432', '127.0.0.1:54321:5432/tcp', '8080:80', '5432',
            { target: 5432, published: '54322' }, { target: 80, published: 81 }]
";
        assert_eq!(read(text)[0].ports, [54320, 54321, 54322]);
    }

    #[test]
    fn anchors_and_merges_are_followed() {
        let text = "
x-db: &db
  image: postgres
  environment: { POSTGRES_DB: $NAME, N: 1 }
services:
  a: { <<: *db, build: { context: ./a, dockerfile: db.Dockerfile } }
  b:
    build: .
    environment: [POSTGRES_DB=b]
";
        let services = read(text);
        assert_eq!(services[0].image, "postgres");
        assert_eq!(services[0].environment["POSTGRES_DB"], "shop");
        assert_eq!(services[0].environment["N"], "1");
        assert_eq!(services[0].build.as_ref().unwrap().dockerfile, Path::new("/p/a/db.Dockerfile"));
        assert_eq!(services[1].build.as_ref().unwrap().dockerfile, Path::new("/p/Dockerfile"));
        assert_eq!(services[1].environment["POSTGRES_DB"], "b");
    }

    #[test]
    fn an_override_replaces_what_it_names_and_keeps_the_rest() {
        let mut base = read("services: { db: { image: postgres, volumes: ['./a:/x', './b:/y'] } }");
        merge(&mut base, read("services: { db: { volumes: ['./c:/x'] }, web: { image: node } }"));
        let hosts: Vec<_> = base[0].mounts.iter().map(|it| it.host.display().to_string()).collect();
        assert_eq!(hosts, ["/p/b", "/p/c"]);
        assert_eq!((base.len(), base[0].image.as_str()), (2, "postgres"));
    }
}
