//! Memory mappings: reserve, commit, guard, discard.

use std::io;
use std::ptr;

use super::faults::{self, Call};
use super::linux::check;
use crate::shim::atomic::{AtomicBool, Ordering};

/// Reserves `len` bytes of address space without memory behind it.
pub(crate) fn reserve(len: usize) -> io::Result<*mut u8> {
    faults::check(Call::Reserve)?;
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        Err(io::Error::last_os_error())
    } else {
        Ok(address.cast())
    }
}

/// Returns reserved address space.
///
/// # Safety
///
/// The range belongs to the caller and nothing in it is used any more.
pub(crate) unsafe fn release(address: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        libc::munmap(address.cast(), len);
    }
}

/// Makes a reserved range readable and writable.
///
/// # Safety
///
/// The range is page-aligned, lies in one reservation of the caller's.
pub(crate) unsafe fn commit(address: *mut u8, len: usize) -> io::Result<()> {
    faults::check(Call::Commit)?;
    // SAFETY: the caller's promise; widening access invalidates nothing.
    let code = unsafe { libc::mprotect(address.cast(), len, libc::PROT_READ | libc::PROT_WRITE) };
    check(code)
}

/// Keeps the kernel from backing the range with huge pages. Failure costs memory, not soundness.
///
/// # Safety
///
/// The range is page-aligned and mapped.
pub(crate) unsafe fn no_huge_pages(address: *mut u8, len: usize) {
    // SAFETY: the caller's promise; advice changes no contents.
    unsafe {
        libc::madvise(address.cast(), len, libc::MADV_NOHUGEPAGE);
    }
}

/// `MADV_GUARD_INSTALL`, which the `libc` crate does not name on every target.
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// Installs guard markers in `count` ranges of `len` bytes that start `stride` bytes apart: any access
/// there faults. Costs no mapping (Linux 6.13). Returns in how many ranges there are some now, or
/// why in none.
///
/// # Safety
///
/// The ranges are page-aligned, anonymous and private, and their contents are not needed.
pub(crate) unsafe fn guard_install_each(
    first: *mut u8,
    stride: usize,
    len: usize,
    count: usize,
) -> io::Result<usize> {
    faults::check(Call::Guard)?;
    let mut done = 0;
    while done < count {
        // SAFETY: the caller's promise.
        let made = unsafe {
            guard_install_vectored(first.wrapping_add(done * stride), stride, len, count - done)
        };
        done += made;
        if made > 0 {
            continue;
        }
        // SAFETY: the caller's promise.
        match unsafe { guard_install(first.wrapping_add(done * stride), len) } {
            Ok(()) => done += 1,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// # Safety
///
/// As [`guard_install_each`], for one range.
unsafe fn guard_install(address: *mut u8, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    check(unsafe { libc::madvise(address.cast(), len, MADV_GUARD_INSTALL) })
}

/// The same for many ranges with one system call, which takes a third less; 0 if the kernel has no such
/// call for the own process (before Linux 6.15).
///
/// # Safety
///
/// As [`guard_install_each`].
unsafe fn guard_install_vectored(first: *mut u8, stride: usize, len: usize, count: usize) -> usize {
    /// The own process, where a descriptor of a process is asked for.
    const PIDFD_SELF: libc::c_int = -10_000;
    const MOST: usize = 64;
    static REFUSED: AtomicBool = AtomicBool::new(false);
    if count == 1 || REFUSED.load(Ordering::Relaxed) {
        return 0;
    }
    let count = count.min(MOST);
    let mut ranges = [libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: len,
    }; MOST];
    for (index, range) in ranges[..count].iter_mut().enumerate() {
        range.iov_base = first.wrapping_add(index * stride).cast();
    }
    // SAFETY: the caller's promise for the ranges; the array lives through the call.
    let bytes = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            PIDFD_SELF,
            ranges.as_ptr(),
            count,
            MADV_GUARD_INSTALL,
            0,
        )
    };
    match usize::try_from(bytes) {
        Ok(bytes) => bytes / len,
        Err(_) => {
            REFUSED.store(true, Ordering::Relaxed);
            0
        }
    }
}

/// Takes all access from a range: the guard of kernels without markers. Splits the mapping.
///
/// # Safety
///
/// The range is page-aligned and nothing in it is used any more.
pub(crate) unsafe fn protect_none(address: *mut u8, len: usize) -> io::Result<()> {
    faults::check(Call::Protect)?;
    // SAFETY: the caller's promise.
    let code = unsafe { libc::mprotect(address.cast(), len, libc::PROT_NONE) };
    check(code)
}

/// Gives the memory of a range back; reading it gives zeros afterwards. Guards stay.
///
/// # Safety
///
/// The range is page-aligned, anonymous and private, and its contents are not needed.
pub(crate) unsafe fn discard(address: *mut u8, len: usize) -> io::Result<()> {
    faults::check(Call::Discard)?;
    // SAFETY: the caller's promise.
    check(unsafe { libc::madvise(address.cast(), len, libc::MADV_DONTNEED) })
}

/// Puts fresh memory in the place of a range that was committed and declined huge pages: as [`discard`], but
/// the page tables go back as well, and guard markers with them. Other mappings' page faults wait
/// meanwhile. After an error the range is as it was.
///
/// # Safety
///
/// The range is page-aligned, private and anonymous, and its contents are not needed.
pub(crate) unsafe fn renew(address: *mut u8, len: usize) -> io::Result<()> {
    faults::check(Call::Discard)?;
    // SAFETY: the caller's promise: what the new mapping replaces is not needed.
    let renewed = unsafe {
        libc::mmap(
            address.cast(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    if renewed == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // Equal to its neighbours again, it becomes one mapping with them.
    // SAFETY: just mapped.
    unsafe { no_huge_pages(address, len) };
    Ok(())
}

/// Bytes that one page table of the lowest level covers: a page of entries, 8 bytes each.
pub(crate) fn page_table_span() -> usize {
    page_size() / 8 * page_size()
}

/// The lowest page in the range that memory is behind, in bytes from its start.
///
/// The range is page-aligned.
pub(crate) fn first_resident(address: usize, len: usize) -> Option<usize> {
    /// Pages asked for at once.
    const PAGES: usize = 1024;
    let page = page_size();
    let mut resident = [0_u8; PAGES];
    let mut from = 0;
    while from < len {
        let part = (len - from).min(PAGES * page);
        // SAFETY: the kernel writes a byte for each page of the range, of which there are at most
        // PAGES; it reads nothing behind the address.
        let code = unsafe {
            libc::mincore(
                ptr::without_provenance_mut(address + from),
                part,
                resident.as_mut_ptr().cast(),
            )
        };
        if code != 0 {
            return None;
        }
        let pages = part.div_ceil(page);
        if let Some(found) = resident[..pages].iter().position(|byte| byte & 1 != 0) {
            return Some(from + found * page);
        }
        from += part;
    }
    None
}

/// Bytes of a page of memory.
fn page_size() -> usize {
    // SAFETY: no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Bytes of address space that the process may still map; `None`: as much as there is.
pub(crate) fn address_space_left() -> Option<usize> {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the place is valid.
    let code = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
    if code != 0 || limit.rlim_cur == libc::RLIM_INFINITY {
        return None;
    }
    let used = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<usize>().ok())
        .map_or(0, |pages| pages * page_size());
    Some(
        usize::try_from(limit.rlim_cur)
            .unwrap_or(usize::MAX)
            .saturating_sub(used),
    )
}

/// Bytes that the process may still make writable, where that is limited: by `RLIMIT_DATA`, or by the system
/// with `vm.overcommit_memory=2`.
pub(crate) fn commit_left() -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the place is valid.
    let code = unsafe { libc::getrlimit(libc::RLIMIT_DATA, &raw mut limit) };
    let by_limit = (code == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then(|| {
        let used = read("/proc/self/statm")
            .and_then(|text| text.split_whitespace().nth(5)?.parse::<usize>().ok())
            .map_or(0, |pages| pages * page_size());
        usize::try_from(limit.rlim_cur)
            .unwrap_or(usize::MAX)
            .saturating_sub(used)
    });
    let is_strict =
        || read("/proc/sys/vm/overcommit_memory").is_some_and(|mode| mode.trim() == "2");
    let by_system = is_strict()
        .then(|| read("/proc/meminfo"))
        .flatten()
        .and_then(|text| {
            let kib = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse::<usize>().ok()
            };
            Some(kib("CommitLimit:")?.saturating_sub(kib("Committed_AS:")?) << 10)
        });
    by_limit.into_iter().chain(by_system).min()
}

/// How many mappings the process may have (`vm.max_map_count`).
pub(crate) fn max_map_count() -> usize {
    std::fs::read_to_string("/proc/sys/vm/max_map_count")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(65_530)
}
