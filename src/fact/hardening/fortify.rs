//! Functions of the C library that have a checking variant, `__memcpy_chk` of `memcpy`: what glibc 2.36 exports.

/// Their names without the variant's `__` and `_chk`, sorted.
#[rustfmt::skip]
pub(super) const NAMES: &[&[u8]] = &[
    b"asprintf", b"confstr", b"dprintf", b"explicit_bzero", b"fdelt", b"fgets", b"fgets_unlocked", b"fgetws", b"fgetws_unlocked", b"fprintf",
    b"fread", b"fread_unlocked", b"fwprintf", b"getcwd", b"getdomainname", b"getgroups", b"gethostname", b"getlogin_r", b"gets", b"getwd",
    b"longjmp", b"mbsnrtowcs", b"mbsrtowcs", b"mbstowcs", b"memcpy", b"memmove", b"mempcpy", b"memset", b"obstack_printf", b"obstack_vprintf",
    b"poll", b"ppoll", b"pread", b"pread64", b"printf", b"ptsname_r", b"read", b"readlink", b"readlinkat", b"realpath", b"recv", b"recvfrom",
    b"snprintf", b"sprintf", b"stpcpy", b"stpncpy", b"strcat", b"strcpy", b"strncat", b"strncpy", b"swprintf", b"syslog", b"ttyname_r", b"vasprintf",
    b"vdprintf", b"vfprintf", b"vfwprintf", b"vprintf", b"vsnprintf", b"vsprintf", b"vswprintf", b"vsyslog", b"vwprintf", b"wcpcpy", b"wcpncpy",
    b"wcrtomb", b"wcscat", b"wcscpy", b"wcsncat", b"wcsncpy", b"wcsnrtombs", b"wcsrtombs", b"wcstombs", b"wctomb", b"wmemcpy", b"wmemmove",
    b"wmempcpy", b"wmemset", b"wprintf",
];
