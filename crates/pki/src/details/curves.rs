//! Elliptic curves whose parameters are written out, matched to the named curves that they are equal to.
//!
//! Parameters that look like a named curve but have another base point are how CVE-2020-0601 forged certificates. So
//! the whole of the parameters is compared, base point included: field, coefficients, base point and order go into one
//! digest, and the table below holds that digest for every curve that OpenSSL 3.0 knows, with its base point written
//! in full and compressed. The seed and the cofactor, both optional and determined by the rest, are left out.

use aws_lc_rs::digest::{Context, SHA256};

use crate::asn1::{Element, tag, without_leading_zeros};
use crate::text;

/// The curve that SpecifiedECDomain (SEC 1 appendix C.2) describes, if it is one of the table.
pub(crate) fn equal_to(parameters: &Element<'_>) -> Option<&'static str> {
    let fingerprint = text::hex(&fingerprint(parameters)?);
    let row = CURVES.iter().find(|(_, full, compressed)| *full == fingerprint || *compressed == fingerprint);
    row.map(|(name, _, _)| *name)
}

/// SHA-256 over the parts, each after its length as four octets: the identifier of the field, its prime or its basis,
/// the two coefficients, the base point, the order. Numbers and coefficients go without leading zeros.
fn fingerprint(parameters: &Element<'_>) -> Option<Vec<u8>> {
    let mut fields = parameters.inside();
    fields.take(tag::INTEGER)?;
    let mut field = fields.enter(tag::SEQUENCE)?;
    let kind = field.take(tag::OID)?.content;
    let size = field.next()?;
    let size = if size.tag == tag::INTEGER { without_leading_zeros(size.content) } else { size.whole };
    let mut curve = fields.enter(tag::SEQUENCE)?;
    let (a, b) = (curve.take(tag::OCTET_STRING)?.content, curve.take(tag::OCTET_STRING)?.content);
    let base = fields.take(tag::OCTET_STRING)?.content;
    let order = fields.take(tag::INTEGER)?.content;
    let mut context = Context::new(&SHA256);
    let numbers = [without_leading_zeros(a), without_leading_zeros(b), base, without_leading_zeros(order)];
    for part in [kind, size].into_iter().chain(numbers) {
        context.update(&u32::try_from(part.len()).ok()?.to_be_bytes());
        context.update(part);
    }
    Some(context.finish().as_ref().to_vec())
}

/// Name, fingerprint with the base point in full, fingerprint with the base point compressed.
#[rustfmt::skip]
const CURVES: &[(&str, &str, &str)] = &[
    ("secp112r1", "5165f461b202c88e2f764460fc72e07809a7de185b9d520ce8da82ca7b136889", "b5dce0ff053f40b625da8bfdebf883a7825007d52bc84d8741f3d6d7e7670e71"),
    ("secp112r2", "025ca188d36a8d2fd1291242076d1ba6bb68247de3e3c0640db9982c3f4c6bae", "96c29b65fec2458e46f238fab61ded5370389b68c9f97f3927e4481f2e208b2c"),
    ("secp128r1", "d8bda8a33d1cc393d587ecaba206c41b2c8b9397218cf94570c545d3a149a16c", "e2e57278d17e9a392f8ec41dbc74564c68c7097b5b7905d1889ecd6a753ba1c9"),
    ("secp128r2", "58c76931be0822e0f1a2862cdedffd68383022bcc7ca43fd0d248f389939f29a", "007b1c64f8ae1a3db1c587b2bb07e3a7dd8d4d9f36bd2718d473a6cce8762316"),
    ("secp160k1", "062e6480fa166eeed83111de5ef6f6174e1528cfff49d63345fbf685d92714a3", "bc8db19ac624193eae7737b2f51115a5a2c8206087b50a8e2636458bcd417a79"),
    ("secp160r1", "bbe7562a7487454e852f26e96dd571732c25c3a033660e920d40ac45a9c68589", "66c00ccc0fd642c609d830f2d6c7273c0688ea0de1edbc916ce036c8cb68482f"),
    ("secp160r2", "d3b9418523905c8d1211d8c2c517ae6e1f26e470ea50fee00265695c8941eb28", "36c2c8fc7cfedfdc6b9448abfd7e7d015a7358c79b0e2ce9a14b02eb3c78d2b0"),
    ("secp192k1", "d54527f2ad9be41f9e487c60604d24124e00510f716fc6710f28fa7f4a1a7382", "15b469f0fa765a3c0fd174d2a7e2f0f2cd9d933739b12f672ce101622ee39d24"),
    ("secp224k1", "60ad922a6a80a320f207954778c214d5b1a8c710469e641a8053584be908deb4", "61d7527b43891c930625ffba7d17bba0022fdff4490aed1da14f4707ce158a24"),
    ("P-224", "3025131550cbc3176bb38a5792ab865d1a16c3cd4acacf3761b8d98c08164944", "07e47cc5854b8602523c9b1dd0a2861503b4af131e1ff9305441decf97dcf6ee"),
    ("secp256k1", "15af907ce3748f9df051b70265ab4524661c4f73a7b2347ef5d1e883677e0141", "47fb6024924c6b0d3126690a316a1c36deea42c201d08f845dd7b16f0630a226"),
    ("P-384", "d0bcbdd69a8aa9c578efd9732c936447bd6c3cd18453e63776f63df50e5d6051", "796b0a92910509d94cb5ec2e14acacc0f8e652f254c96a265811590e97b1a740"),
    ("P-521", "0ee3cc5e738a640adde156d4e17b60ad2fb65fa4286f3c4b91145c9019f51aa9", "3de67648bfc657e6cc2a5a9a03fad8b7abfb4e9b6abdeb98ec574259e0bfa361"),
    ("P-192", "ab7ad1086c9d8ad216031a53703b8f1c47197a1c5a22b44037239598d79c6788", "99e13738ff70f263c5123bcd515f4f29723e12baf51fbeefb501255675f25c20"),
    ("prime192v2", "7344f5194d30be0c2bf15c0e80bf90aa7d8d1b0d0fe82de2b98b87a7c705d411", "6fb2f21451c39b93ef52b7cef20ec1c10f2e694bfcb83be38969bcd9fbd86487"),
    ("prime192v3", "562a8edf62e77e2c78a9d04152475f9156f2aa7b8c3a3c9c42e14125b7f9df4c", "53b6c10ec3ddd4a3e25808155f14162a006665cbbcbf7c6d18a9d31993bc7e90"),
    ("prime239v1", "a8c22440968f8d7cf301e0c6217f6036cb591a4bb0527a2aebaa53a5b024caa2", "90e7a341b7c11e9cde236f83d52dff21a7fe7712737e1165b9db2ffd0ed88ddd"),
    ("prime239v2", "820ae0ead11ca260d7dd63f1a853c9d216a99d1843aae1c31a73030b0204fa54", "0913833c01c0ec2088dea0c33b7a53c05444ab2de27168c3e7b6a7f45eee0b0f"),
    ("prime239v3", "578e624fc2289a1559d19bc870411b0e1c05abbc99e791eac42d50bb4cc95ade", "c94b55adc60646595ac04f311af3b48a9cbe4b519b6d3c8976a04210635d5a64"),
    ("P-256", "237d9e33012f51091f1c8bf0895c7adb5d2407418c3d5652cc5bde2588c5ca9f", "86012266474691a95d95f181851e59b747a4bd0e5cd6d3fb6c877a9844eb02cf"),
    ("sect113r1", "c0b71992bf945d62fa0a87556442b079330a1bede10e856bf536aec8471dd120", "c7064996d46f94c79c68de362f050947eef6400e141667410abc9f99a0f740d9"),
    ("sect113r2", "4e5cba390d7a404f0a5016039c0339737c4fbb75eb2892f590e2b31d04ba7b26", "a586d703c173b6aa9172e76cb512c8d31d9862b1217965a755275554e346a3a0"),
    ("sect131r1", "a1a6e71172bed9d949355ead9692d97f2b40f23e2ca8ec7b38a7d7c5799245cc", "81c40af14eb9c5a6fc61e6f9e01058395c744d85aa02750d614887aaad56a697"),
    ("sect131r2", "b2273c1e2c177528ad7a75d66f60e7dbe46fce6d61aa4f55f89c061ab3fb25eb", "7707b26561e4862c1dc95799deef056e20a04c19be2cd83920831469b7da65bb"),
    ("sect163k1", "57bc315c491882af41bf289c8dd159b64342711553c14aeb02307daec6603cf6", "0d48769a396a47aba527e4e6cd7f055380fb5e33037d0609c31f7f1300f74eaa"),
    ("sect163r1", "ce1c12650cd6dbd51e6d8bc2c814df9a5cb11e6d56d842f7ff2dbc3a107b4dc8", "97da2b22b0bf0eab704fd98ebd2ba4a00d3162ce4fb1d928df51427cd53ebe13"),
    ("sect163r2", "aabd16c690093f0853e5b3e2476ea7a05bba9b2ef587eb2a87507cd7eaec9e87", "7a90f291c1bf9903b71729566c647bbf91418e1e0109be866bc1883d0b5a26c4"),
    ("sect193r1", "37646bf7a472fbebd26a90e07871c896a64cf121106ab87558e1ab65a44963f3", "9978a8f3508f7508528b2a3d7b6ae64cfced3931ee19a83b9ac8baadec3041c9"),
    ("sect193r2", "8dc24a236bacfcee697d4234451485f9af973b18a4d47127216417249141fac2", "c7d85a937405ec8ba8b35147d90fd209df52cd76b4313247d0bff92929a715ac"),
    ("sect233k1", "68a9f93c12f5d9d251b23da89d214f670840131dfddc9d0290f19d717021dd78", "20b25ad12a3c19606b868e83e5b66840103448879f3e72e20d91652a9b4cc4f5"),
    ("sect233r1", "daf812ad25c56c2b2816d69e9f54a215938399aeb7fc2007ffbe9edd3308159f", "d5c36777f6443de954765fec259152fea53327a10b27ae820156f0ca54c95099"),
    ("sect239k1", "28be7717338b97066475d937524315bf612fd65e95603f3ec0f772f8984c6260", "a82ee1f5f89063960eed750c7374e54a22684f0681fe0d93fb81f6e7043c3a92"),
    ("sect283k1", "dfab5a9b058a3d5411c6d5b62c1e82768e417350a58b2ddd7c2f35d65aac3e83", "0bebc946231148b2888f1a89d29af150787a3d79fb319742fd823c6bf880172b"),
    ("sect283r1", "3bc36a4cb7cec16aeb5f46ebede1decc9fc7c220d7cb5f41b89157d464868148", "16a2442b84129ba2d02365a5cd9d86b97346172adcc5bc4e7aede138b07a070f"),
    ("sect409k1", "928a62445060b25b3e3a1fb5ddf90df07d4db228d12978a5213685ee48ff1c96", "970dd56f4bb4d74debfda518a25379254e00b25f368d34f06ad2f31fafe65397"),
    ("sect409r1", "8cfe0611fe6e606f74db5fe279177f4d107208c7e5751754d79b3b2f1238eae4", "77b6850ab9562e4710f45c7131f9becb31456f82ed5f67837884a04ab3f20549"),
    ("sect571k1", "68e12a3795dacbb8c7539b349fa7dc2da73ebc4d43d3b1991cd615810a9534d4", "d4919299192844a65343f674a705aeb6e5dfdbbe13c400551a8bd887a51e09d3"),
    ("sect571r1", "9ec2d8a6fe702b1df4bc75a6ffe5ed4abde024b7307e472661b940c5e5baae02", "d876ab03df4028219834fe1a14e6b8530cd5cfe5bd6bbe09f1e33025f38c76aa"),
    ("c2pnb163v1", "c06532c0052823776b330a3310268519734fe7a8c0644d34157c347e14af2e69", "25c23700042ae1a6aa866c7ff2b8a7bbfcd1a4fc9fd193d00bdb279a1702a8bf"),
    ("c2pnb163v2", "12fce2811eb19d86ff93936f92216c4eb9ad5aabef0554d33554d26519df5128", "ebc4ddd7245de4c6b8bc963c0293c4cff3db6d70578e9efe094a64576823e006"),
    ("c2pnb163v3", "58e5432099402788b2f4a2ab5d8fc909377553ba268c9c69845b652f248a3c73", "4343213c020ad8a57ba0f7ad77f265b01b2a9ca745d4d30d33f415316a58cc12"),
    ("c2pnb176v1", "80804b15198f921c0ebcc0caed8ada788e05e36c34a9b73e707cf5151043b616", "ebcca1b59cacd8d26f2bc0e020d0ba92c8604aed72d10e1d36e5359736ae782c"),
    ("c2tnb191v1", "974020e5b1166c955cdbde4c170748ceeac0875b863b0f814b692e57f1db43cb", "b132a7e6fe197bf0e8effcc76369a5b159e474326fea7f244f1dff3ac687c613"),
    ("c2tnb191v2", "c366d5caae57e9519c22b7b5dee023812712f4178def3e9118efaea6c7a3be63", "f5254fe799da1c408e7625a95372d20e2db279b2cddd2e78999542aa474b217d"),
    ("c2tnb191v3", "d3560ec6d532e8e81690bec385fd079ad60d414190ec26e3635f01cb3ab178f5", "e2644b6ad3ef53d2adc51c8b3bae1eb2e3c32c53042e261ebc1d88fef3fc079e"),
    ("c2pnb208w1", "3206a52dab76f8602e0793c92f5e09097655e1fa79a54549b785f06566b177a0", "d9bad5a56159d7bef3833ee56e0f3985885daeac052e857ceb6e5ae7941fa30e"),
    ("c2tnb239v1", "d0984df17fde74a0520e768e89546a8a2cb3543e9aff683aad1ca3287894c2a5", "54a5be775203d430cbc4e3bded28130449cec20e2577fca5a5afe164de193fa4"),
    ("c2tnb239v2", "7699cc9cf1eaaea4dadf7be733b0e902e49ca88281e2aa1f05b5d55e69e99b9f", "14ff37a035168f833873daee031e0ee80eb581f2b25815c28a95d321fbe4d123"),
    ("c2tnb239v3", "16faab97ed6545fae01c7d2a271d050e1f8ea2bf62f98669294d74b72a0c4425", "962a30fed33047f1054a0769b0a9153dbb5cc23bd89469cc26ece1884bb19b96"),
    ("c2pnb272w1", "7c79101c4fbe4db20bb78ae081ab1c515912107e1022fa4fa98df93a3d0d7e50", "925b3560e95e3ddd90f424a4dcf2d63511abd89c9861d3a26cda1e3cd091ed83"),
    ("c2pnb304w1", "19433ff20fab71554cc462ebc76dd19669e805e7f7eb22133dd43b82b33dc452", "005dbf3b2a9d1ac4bf7bfd166422109e95508d04afc3b6e21bb239a040d6c206"),
    ("c2tnb359v1", "e885aca2e28f1fc2a2488264e0b2a546d7aed80520dd6f393a49c0fd056552e4", "2f54c39130cffec448e1e4799a6e81382719368d1592affa10c7c714b19d4168"),
    ("c2pnb368w1", "3d171be5c36876cbfaf9bba9a87221370f5c2eeb9d932e9c0c956b9f967948d0", "12de709e474649650b683709424d813103bac48e6b299cf1688444b389e7b309"),
    ("c2tnb431r1", "fea7a1b6a9c55a9ad9172eda52fb9d07eaf66b1224b2cf5a83b03ca396a05880", "26594dd169478c51ea65d50bc758ba0f71116ac06e8ec356cff5675dff17b42c"),
    ("brainpoolP160r1", "e4ca431f2b040a710eb78878f680adbd9f4e1efa7f708a3feb9192fe8dc9abfb", "91cc661baa07a9909f649cec42248400b4ae21bebf35a330a0c21564433dfb27"),
    ("brainpoolP160t1", "1b288ad41afc79cfbe7a6106fa647a4a7a64fc5396a83be638160bce8986c079", "0184fbe5461d60dd34aadc9b91c536e36b4104f6bfbe2f0b76800f7192e69757"),
    ("brainpoolP192r1", "5717fadadd18ebc877053a7eb4c56b0528857a720ab41073d418b1693255a60f", "e7dc83868e8e543559103a76509cd7aab7b4ad078588f55ce53118146c3d7843"),
    ("brainpoolP192t1", "36c1814561f5160d45e17ef7f3fc4519318d6b4f0f7d491dacd650057200991c", "3dfb78a9d766f6fc8c7dc54f1c925a979bc5f65302464f779c294586d4d000fe"),
    ("brainpoolP224r1", "df2d938a16b5aaa915cc7c74200153f706175b086f66eb267cb647cb849a5838", "6867f29acb0bf413b5ae0b70cea7760ece1e5cbc8610bb4391bdf50f7c9777e2"),
    ("brainpoolP224t1", "c866c1083b27e46b916db8d63ea88e773eb08ba4c84545ab3d04f89346a13ce3", "703497d2f3db227aed9091f1b712e4f305f6caa0018453eaddd5a0588de4b617"),
    ("brainpoolP256r1", "c8255745f17d602b3c428030176aa732d97560fcefef03b2b1fb8877ed141bf0", "3903e69260195c0e9e810703611b6694d6e57d4a667295df12d9c118cbb95bfc"),
    ("brainpoolP256t1", "45f32011238d8763566d2c055929974ff0cacee44c05bc341bf8c23d1f8bb1ab", "610c2d6f6e952ac380cda6c4fbe2cee073577459fe058ce363a1308ce0863637"),
    ("brainpoolP320r1", "9fdcd72e37620dabe5bdb12defee014685d1a5cce283409507ca17158d9db27c", "b8fdd41d9252224012e237a3d8f26160270c47676ca25257207118b8a41ce02a"),
    ("brainpoolP320t1", "94494175f485cbb2053ee4945da64e7f6f92c99c57ee7a29ca9c8032f6e97229", "e5c133d1f00f7b5d799c3843e096d4a70fa6350324195cd4e43d498f7c22ea6f"),
    ("brainpoolP384r1", "fdf983e06b84066db221319c99b009ba62446f6497e52cb665662c5bc8dc7273", "93979d34b22a2ebb676aa6eb0125fd6c9e520b9be7271d68d7ebd8da0d9b60ab"),
    ("brainpoolP384t1", "e735c68a8eaf4bc8a9198a9e339ff45e13b3c3f5ad1f99f0a4e0e41e308766a7", "b90d5993c3b8deb555974eb34d9902dbde830993b433b2911b4ca9bfa8520a35"),
    ("brainpoolP512r1", "05a3f442f37f328807c04abc5900584444f2ecf406bea3f41e9951f4a617a2f6", "79b1e5b3ce180613d862871e00abc72a8a49d0d9172090d4390642eb4e4e3879"),
    ("brainpoolP512t1", "cf7e3fcb379ac1e20f4e3cff01e3b5d2aa67a5595d7e88f5fab8b25576fcfe6f", "b06bfafc87ad369f9b57057ecf275bec568625f84bed7fa8b548be8a7e1b2a8a"),
    ("SM2", "b34a7e8f9fa0072b1525b4a17f2284d14d42fac1280969df3aca7b8eaedac724", "f15671e343e9743d3e780c16d05f58d131558ede1140d9f72cc8571f188b6e46"),
];
