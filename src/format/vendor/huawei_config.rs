//! Huawei's settings of optical terminals (hw_ctree.xml, hw_default_ctree.xml and their like), compressed and encrypted with a key that is
//! the same in all of them.

use crate::blob::{Bytes, Span};
use crate::format::header::openssl::Secret;
use crate::format::header::{Header, Image, cipher, sums};
use crate::format::{Kind, Magic, Spec};
use crate::limits::Output;
use crate::problem::{Fault, Rejected};

/// Settings of a terminal.
pub(super) static HUAWEI_CONFIG: Header = Header { spec: &SPEC, read };

static SPEC: Spec = Spec {
    id: "huawei-config",
    name: "Huawei settings (hw_ctree.xml)",
    kind: Kind::Container,
    magics: &[Magic::start(&MAGIC), Magic::start(&MAGIC).at(EXPORTED)],
    leaf: false,
    references: &["https://github.com/Uaemextop/HuaweiFirmwareTool", "https://github.com/ipatrina/HW-Patrina"],
    limitations: &["settings of newer firmware, whose keys each device makes for itself", "passwords within the settings stay as they are"],
};

const MAGIC: [u8; 4] = [1, 0, 0, 0];

/// Bytes before settings that the web pages exported.
const EXPORTED: u64 = 32;

/// Bytes before the encrypted data: magic, a checksum of what is inside, salt. And those behind it.
const HEADER: u64 = 24;
const TRAILER: u64 = 32;

/// More than any settings have.
const LARGEST: u64 = 4 << 20;

/// What makes a key of the salt, and how often.
const PHRASE: &[u8] = b"hex:13395537D2730554A176799F6D56A239";
const ROUNDS: u32 = 8192;

/// ```text
/// 0 magic 1, u32   4 a CRC   8 salt, which is the vector too: the lower half of its last byte says how many bytes of the last block count
/// 18 a gzip stream, AES-256 in CBC mode   then HMAC-SHA-256 of it with the same key
/// ```
fn read(bytes: Bytes<'_>) -> Result<Image, Rejected> {
    let start = [0, EXPORTED].into_iter().find(|at| whole(bytes, *at)).ok_or(Rejected("the sizes"))?;
    let data = Span::between(start.saturating_add(HEADER), bytes.len().saturating_sub(TRAILER));
    let (salt, sealed) = (bytes.array::<16>(start.saturating_add(8))?, bytes.part(data)?.0);
    if !is_noise(&salt, 9) || !is_noise(Bytes(sealed).up_to(0, 512), 32) {
        return Err(Rejected("nothing that is encrypted"));
    }
    let key = key(&salt);
    if !bytes.has(data.end(), &sums::hmac_sha256(&key, sealed)) {
        return Err(Rejected("the code of authenticity"));
    }
    let mut image = Image::new(bytes.len(), data.start);
    image.part("exported", Span::new(0, start));
    image.known(Span::new(data.end(), TRAILER)).undone("settings", data, Box::new(move |there, output| decrypt(&key, salt, there, output)));
    Ok(image)
}

/// Whether there is a header at `at` and whole blocks behind it.
fn whole(bytes: Bytes<'_>, at: u64) -> bool {
    let size = bytes.len().saturating_sub(at).saturating_sub(HEADER).saturating_sub(TRAILER);
    bytes.has(at, &MAGIC) && (1..=LARGEST).contains(&size) && size.is_multiple_of(16)
}

/// Whether no byte is in there so often, or others so seldom, that it is no chance.
fn is_noise(bytes: &[u8], least: usize) -> bool {
    let mut counts = [0_u16; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let different = counts.iter().filter(|count| **count > 0).count();
    different >= least.min(bytes.len() / 2) && counts.iter().all(|count| *count < 16)
}

fn key(salt: &[u8; 16]) -> Vec<u8> {
    let mut key = [salt.as_slice(), &[0; 16]].concat();
    for _ in 0..ROUNDS {
        key = sums::sha256(&[&key, PHRASE]);
    }
    key
}

fn decrypt(key: &[u8], salt: [u8; 16], there: Bytes<'_>, output: &mut Output<'_>) -> Result<(), Fault> {
    let [.., last] = salt;
    let padding = 16_u64.saturating_sub(u64::from(last & 15)) & 15;
    let whole = there.len().saturating_sub(if padding == 0 { 0 } else { 16 });
    cipher::aes_cbc(key, &salt, there.up_to(0, whole), &mut |part| output.push(part))?;
    let before = Bytes(there.up_to(0, whole)).0.last_chunk().copied().unwrap_or(salt);
    let block = Secret::new(key, before).head(there.tail(whole));
    Ok(output.push(Bytes(&block).up_to(0, 16_u64.saturating_sub(padding)))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::{carve, survives_damage, unpack};

    const TREE: &[u8] = include_bytes!("../../../fixtures/huawei-config/hw_ctree.xml");
    const EXPORT: &[u8] = include_bytes!("../../../fixtures/huawei-config/export.cfg");
    const STORY: &[u8] = include_bytes!("../../../fixtures/gzip/story.gz");

    #[test]
    fn settings_are_decrypted() {
        let unpacked = unpack(&HUAWEI_CONFIG, TREE);
        assert_eq!((unpacked.names(), unpacked.file("settings")), (vec!["settings"], STORY));
        assert_eq!(unpacked.problems, []);
        assert_eq!(unpack(&HUAWEI_CONFIG, EXPORT).file("settings"), STORY);
    }

    #[test]
    fn nothing_else_begins_so() {
        let mut image = TREE.to_vec();
        image[100] ^= 1;
        assert_eq!(carve(&HUAWEI_CONFIG, &image, 0), None);
        assert_eq!(carve(&HUAWEI_CONFIG, &MAGIC.repeat(30), 0), None);
        for copy in crate::testing::damaged(TREE, 40, 64) {
            let _ = carve(&HUAWEI_CONFIG, &copy, 0);
        }
        survives_damage(&HUAWEI_CONFIG, &TREE[..200]);
    }
}
