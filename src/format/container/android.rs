//! What Android devices boot and update from, beside the boot image itself.

mod avb;
mod bootloaders;
mod device_trees;
mod fbpk;
mod nb0;
mod payload;
mod protobuf;

pub(super) use avb::{FOOTER, VBMETA};
pub(super) use bootloaders::{BOOTLDR, FUGU, IMGDATA, META};
pub(super) use device_trees::{DTBO, QCDT};
pub(super) use fbpk::FBPK;
pub(super) use nb0::NB0;
pub(super) use payload::Payload;
