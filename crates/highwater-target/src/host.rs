//! The machine, described for the report.

use highwater_model::Host;
use procfs::Current;

/// Describes this machine; what can't be read is left empty.
#[must_use]
pub fn host() -> Host {
    Host {
        system: system(),
        processor: processor().unwrap_or_default(),
        // Respects affinity and the CPU quota of a container.
        cores: std::thread::available_parallelism()
            .map_or(0, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory_bytes().unwrap_or(0),
        load_average: procfs::LoadAverage::current()
            .ok()
            .map(|load| format!("{:.2}", load.one)),
    }
}

/// Memory that can be had without swapping; none where it is not readable.
pub(crate) fn available_memory_bytes() -> Option<u64> {
    procfs::Meminfo::current().ok()?.mem_available
}

fn system() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = format!("Linux {}", release.trim());
    let about = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    match pretty_name(&about) {
        Some(name) => format!("{name}, {kernel}"),
        None => kernel,
    }
}

fn pretty_name(os_release: &str) -> Option<String> {
    let value = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty())
}

fn processor() -> Option<String> {
    let info = procfs::CpuInfo::current().ok()?;
    info.model_name(0).map(str::to_owned)
}

/// Main memory, or the limit of the container if that is lower.
fn memory_bytes() -> Option<u64> {
    let total = procfs::Meminfo::current().ok()?.mem_total;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |limit| limit.min(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_cores_and_memory() {
        let host = host();
        assert!(host.system.contains("Linux "));
        assert!(host.cores >= 1);
        assert!(host.memory_bytes > 64 << 20);
        assert!(host.load_average.unwrap().parse::<f64>().unwrap() >= 0.0);
        assert!(available_memory_bytes().unwrap() > 0);
    }

    #[test]
    fn the_name_of_the_distribution_is_read_with_and_without_quotes() {
        for (text, expected) in [
            (
                "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n",
                Some("Debian GNU/Linux 12"),
            ),
            ("PRETTY_NAME=Alpine\n", Some("Alpine")),
            ("PRETTY_NAME=\"\"\n", None),
            ("", None),
        ] {
            assert_eq!(pretty_name(text).as_deref(), expected);
        }
    }
}
