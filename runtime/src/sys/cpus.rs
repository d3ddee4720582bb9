//! How many CPUs there are for us: the affinity mask and the cgroup quota.
//!
//! As Go 1.25: the smaller of the CPUs within the affinity mask and the cgroup's quota rounded up,
//! the quota counting at least 2. Unlike Go, quotas of parent cgroups count as well: a tighter
//! parent throttles all the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// CPUs usable by this process when it first asked; at least 1.
pub(crate) fn num_cpu() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        super::affinity_count()
            .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
            .unwrap_or(1)
            .max(1)
    })
}

/// The default of GOMAXPROCS.
pub(crate) fn default_parallelism() -> usize {
    let cpus = num_cpu();
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match quota(&membership, &mounts, |path| fs::read_to_string(path).ok()) {
        Some(cores) => cpus.min((cores.ceil() as usize).max(2)),
        None => cpus,
    }
}

/// The tightest quota in cores along our cgroup's path, in either cgroup version.
fn quota(membership: &str, mounts: &str, read: impl Fn(&Path) -> Option<String>) -> Option<f64> {
    let mut tightest: Option<f64> = None;
    for line in membership.lines() {
        // «0::/path» in version 2, «4:cpu,cpuacct:/path» in version 1.
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let v2 = controllers.is_empty();
        if !v2 && !controllers.split(',').any(|name| name == "cpu") {
            continue;
        }
        let Some(mount) = mount_of(mounts, v2) else {
            continue;
        };
        let mut directory = mount.root_relative(path);
        loop {
            let cores = if v2 {
                read(&directory.join("cpu.max")).and_then(|text| parse_cpu_max(&text))
            } else {
                parse_cfs(
                    read(&directory.join("cpu.cfs_quota_us")),
                    read(&directory.join("cpu.cfs_period_us")),
                )
            };
            if let Some(cores) = cores {
                tightest = Some(tightest.map_or(cores, |t| t.min(cores)));
            }
            if directory == mount.point || !directory.pop() {
                break;
            }
        }
    }
    tightest
}

struct Mount {
    root: String,
    point: PathBuf,
}

impl Mount {
    /// Where the cgroup `path` is seen through this mount.
    fn root_relative(&self, path: &str) -> PathBuf {
        let inner = path.strip_prefix(self.root.as_str()).unwrap_or(path);
        self.point.join(inner.trim_start_matches('/'))
    }
}

fn mount_of(mounts: &str, v2: bool) -> Option<Mount> {
    mounts.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ');
        let root = left.nth(3)?;
        let point = left.next()?;
        let mut right = right.split(' ');
        let kind = right.next()?;
        let options = right.nth(1).unwrap_or("");
        let fits = if v2 {
            kind == "cgroup2"
        } else {
            kind == "cgroup" && options.split(',').any(|option| option == "cpu")
        };
        fits.then(|| Mount {
            root: root.to_owned(),
            point: PathBuf::from(point),
        })
    })
}

/// `cpu.max`: «quota period» or «max period», in microseconds.
fn parse_cpu_max(text: &str) -> Option<f64> {
    let mut fields = text.split_whitespace();
    let quota: f64 = fields.next()?.parse().ok()?;
    let period: f64 = fields.next()?.parse().ok()?;
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

fn parse_cfs(quota: Option<String>, period: Option<String>) -> Option<f64> {
    let quota: f64 = quota?.trim().parse().ok()?;
    let period: f64 = period?.trim().parse().ok()?;
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_parents_tighter_quota_counts() {
        let read = |path: &Path| match path.to_str()? {
            "/sys/fs/cgroup/a/b/cpu.max" => Some("400000 100000\n".to_owned()),
            "/sys/fs/cgroup/a/cpu.max" => Some("250000 100000\n".to_owned()),
            _ => None,
        };
        assert_eq!(quota("0::/a/b\n", V2_MOUNT, read), Some(2.5));
    }

    #[test]
    fn an_unlimited_group_has_no_quota() {
        let read = |_: &Path| Some("max 100000\n".to_owned());
        assert_eq!(quota("0::/a\n", V2_MOUNT, read), None);
    }

    #[test]
    fn version_one_reads_the_cpu_controller_only() {
        let mounts = "31 23 0:27 / /cg/mem rw - cgroup cgroup rw,memory\n\
                      32 23 0:28 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
        let read = |path: &Path| match path.to_str()? {
            "/cg/cpu/x/cpu.cfs_quota_us" => Some("150000\n".to_owned()),
            "/cg/cpu/x/cpu.cfs_period_us" => Some("100000\n".to_owned()),
            "/cg/cpu/cpu.cfs_quota_us" => Some("-1\n".to_owned()),
            _ => None,
        };
        let membership = "5:memory:/x\n4:cpu,cpuacct:/x\n";
        assert_eq!(quota(membership, mounts, read), Some(1.5));
    }
}
