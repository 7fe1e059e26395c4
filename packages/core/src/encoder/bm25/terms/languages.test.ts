import { describe, expect, it } from "vitest";
import { Bm25Encoder } from "../bm25-encoder.ts";
import { languageCodes } from "./language.ts";

/** Texts as people write them, and for each query the number of the text that answers it. */
interface Judged {
  readonly texts: readonly string[];
  readonly queries: Readonly<Record<string, number>>;
}

const languages: Readonly<Record<string, Judged>> = {
  ar: {
    texts: [
      "ذهب الطلاب إلى المدرسة في الصباح.",
      "اشتريت كتاباً جديداً من المكتبة.",
      "الطقس جميل في القاهرة اليوم.",
      "يشرب أبي القهوة كل يوم.",
    ],
    queries: { مدرسة: 0, "كتاب جديد": 1, "طقس القاهرة": 2, قهوة: 3 },
  },
  bg: {
    texts: [
      "Децата отиват на училище сутрин.",
      "Книгите в библиотеката са много стари.",
      "Градовете край морето привличат туристи.",
      "Котката спи на дивана.",
    ],
    queries: { книга: 1, град: 2, "котки диван": 3, училището: 0 },
  },
  bn: {
    texts: [
      "ছাত্ররা সকালে স্কুলে যায়।",
      "আমি বইয়ের দোকান থেকে একটি উপন্যাস কিনেছি।",
      "ঢাকার রাস্তায় অনেক যানজট।",
      "নদীতে মাছ ধরা হয়।",
    ],
    queries: { বই: 1, ঢাকা: 2, নদী: 3, স্কুল: 0 },
  },
  ca: {
    texts: [
      "Els nens van a l'escola al matí.",
      "He comprat dos llibres a la llibreria.",
      "Les platges de la costa són molt boniques.",
      "El gat dorm al sofà.",
    ],
    queries: { escoles: 0, "un llibre": 1, costes: 2, gats: 3 },
  },
  cs: {
    texts: [
      "Děti chodí ráno do školy.",
      "Koupil jsem si dvě knihy o historii.",
      "Ve městech je mnoho aut.",
      "Kočka spí na pohovce.",
    ],
    queries: { škola: 0, kniha: 1, město: 2, "kočky na pohovce": 3 },
  },
  da: {
    texts: [
      "Børnene går i skole om morgenen.",
      "Jeg har købt to bøger om historie.",
      "Husene ved havet er meget dyre.",
      "Katten sover på sofaen.",
    ],
    queries: { skoler: 0, "historie bøger": 1, huset: 2, katte: 3 },
  },
  de: {
    texts: [
      "Die Kinder gehen morgens in die Schule.",
      "Ich habe zwei Bücher über Geschichte gekauft.",
      "Die Häuser am Meer sind sehr teuer.",
      "Meine Katze schläft auf dem Sofa.",
    ],
    queries: { Schulen: 0, Buch: 1, "Haus am Meer": 2, Katzen: 3 },
  },
  el: {
    texts: [
      "Τα παιδιά πηγαίνουν στο σχολείο το πρωί.",
      "Αγόρασα δύο βιβλία ιστορίας.",
      "Οι πόλεις της Ελλάδας έχουν πολλούς τουρίστες.",
      "Η γάτα κοιμάται στον καναπέ.",
    ],
    queries: { σχολεία: 0, βιβλίο: 1, "πόλη Ελλάδα": 2, ΓΑΤΕΣ: 3 },
  },
  en: {
    texts: [
      "The children walk to school in the morning.",
      "I bought two books about the history of C++.",
      "Houses by the sea are expensive.",
      "GPT-4 writes better than GPT-3.",
    ],
    queries: { schools: 0, "C++ book": 1, "house at the sea": 2, "GPT-4": 3 },
  },
  es: {
    texts: [
      "Los niños van a la escuela por la mañana.",
      "He comprado dos libros de historia.",
      "Las casas junto al mar son muy caras.",
      "El gato duerme en el sofá.",
    ],
    queries: { escuelas: 0, "libro de historia": 1, casa: 2, gatos: 3 },
  },
  eu: {
    texts: [
      "Haurrak goizean eskolara joaten dira.",
      "Bi liburu erosi ditut liburu-dendan.",
      "Itsas ondoko etxeak oso garestiak dira.",
      "Katua sofan lo dago.",
    ],
    queries: { haurra: 0, liburuak: 1, etxea: 2, katuak: 3 },
  },
  fa: {
    texts: [
      "دانش‌آموزان صبح به مدرسه می‌روند.",
      "دو کتاب تاریخی از کتابفروشی خریدم.",
      "خانه‌های کنار دریا گران هستند.",
      "گربه روی مبل خوابیده است.",
    ],
    queries: { مدرسه: 0, کتاب‌ها: 1, خانه: 2, گربه: 3 },
  },
  fi: {
    texts: [
      "Lapset menevät aamulla kouluun.",
      "Ostin kaksi kirjaa historiasta.",
      "Talot meren rannalla ovat kalliita.",
      "Kissa nukkuu sohvalla.",
    ],
    queries: { koulussa: 0, kirjat: 1, talo: 2, kissat: 3 },
  },
  fr: {
    texts: [
      "Les enfants vont à l'école le matin.",
      "J'ai acheté deux livres d'histoire.",
      "Les maisons au bord de la mer sont chères.",
      "Le chat dort sur le canapé.",
    ],
    queries: { écoles: 0, "livre histoire": 1, "maison à la mer": 2, chats: 3 },
  },
  ga: {
    texts: [
      "Téann na páistí ar scoil ar maidin.",
      "Cheannaigh mé dhá leabhar sa siopa.",
      "Tá tithe cois farraige an-daor.",
      "Tá an cat ina chodladh ar an tolg.",
    ],
    queries: { scoil: 0, leabhair: 1, farraige: 2, cat: 3 },
  },
  he: {
    texts: [
      "הילדים הולכים לבית הספר בבוקר.",
      "קניתי שני ספרים על ההיסטוריה של ירושלים.",
      "הבתים ליד הים יקרים מאוד.",
      "החתול ישן על הספה.",
    ],
    queries: { ילדים: 0, "היסטוריה ירושלים": 1, ים: 2, חתולים: 3 },
  },
  hi: {
    texts: [
      "बच्चे सुबह स्कूल जाते हैं।",
      "मैंने इतिहास की दो किताबें खरीदीं।",
      "समुद्र के किनारे के घर महँगे हैं।",
      "बिल्ली सोफ़े पर सो रही है।",
    ],
    queries: { बच्चा: 0, किताब: 1, घरों: 2, बिल्लियाँ: 3 },
  },
  hu: {
    texts: [
      "A gyerekek reggel iskolába mennek.",
      "Két könyvet vettem a történelemről.",
      "A tengerparti házak nagyon drágák.",
      "A macska a kanapén alszik.",
    ],
    queries: { iskola: 0, könyv: 1, ház: 2, macskák: 3 },
  },
  hy: {
    texts: [
      "Երեխաները առավոտյան գնում են դպրոց։",
      "Ես գնեցի երկու գիրք պատմության մասին։",
      "Ծովի մոտ տները շատ թանկ են։",
      "Կատուն քնում է բազմոցի վրա։",
    ],
    queries: { երեխաներ: 0, պատմություն: 1, տներ: 2, կատու: 3 },
  },
  id: {
    texts: [
      "Anak-anak pergi ke sekolah di pagi hari.",
      "Saya membeli dua buku sejarah di toko buku.",
      "Rumah di tepi laut sangat mahal.",
      "Kucing itu tidur di sofa.",
    ],
    queries: { sekolahnya: 0, "beli bukunya": 1, "rumah laut": 2, kucingku: 3 },
  },
  it: {
    texts: [
      "I bambini vanno a scuola la mattina.",
      "Ho comprato due libri sulla storia dell'arte.",
      "Le case vicino al mare sono molto care.",
      "Il gatto dorme sul divano.",
    ],
    queries: { scuole: 0, "libro arte": 1, casa: 2, gatti: 3 },
  },
  ja: {
    texts: [
      "サーバーの設定を変更しました。",
      "東京都の図書館で本を読みました。",
      "京都の桜はとても美しいです。",
      "毎朝コーヒーを飲みます。",
      "契約を解除する場合は通知が必要です。",
    ],
    queries: { サーバ: 0, 図書館: 1, 京都: 2, コーヒー: 3, 読む: 1, 契約解除: 4, 桜: 2 },
  },
  ko: {
    texts: [
      "서울은 대한민국의 수도이다.",
      "부산에서 맛있는 생선을 먹었다.",
      "책을 읽는 것은 즐겁다.",
      "물 한 잔을 마셨다.",
      "한국은행이 금리를 발표했습니다.",
      "학교에서는 2024년부터 iPhone을 쓴다.",
    ],
    queries: {
      서울: 0,
      부산: 1,
      책: 2,
      물: 3,
      은행: 4,
      금리: 4,
      발표: 4,
      학교: 5,
      iPhone: 5,
      "2024": 5,
      수도: 0,
    },
  },
  nl: {
    texts: [
      "De kinderen gaan 's ochtends naar school.",
      "Ik heb twee boeken over geschiedenis gekocht.",
      "De huizen aan zee zijn erg duur.",
      "De kat slaapt op de bank.",
    ],
    queries: { scholen: 0, boek: 1, zee: 2, katten: 3 },
  },
  no: {
    texts: [
      "Barna går på skolen om morgenen.",
      "Jeg kjøpte to bøker om historie.",
      "Husene ved sjøen er veldig dyre.",
      "Katten sover på sofaen.",
    ],
    queries: { skole: 0, "bøker historie": 1, huset: 2, katter: 3 },
  },
  pl: {
    texts: [
      "Dzieci chodzą rano do szkoły.",
      "Kupiłem dwie gazety o historii.",
      "Domy nad morzem są bardzo drogie.",
      "Koty śpią na kanapie.",
    ],
    queries: { szkoła: 0, gazeta: 1, dom: 2, kot: 3 },
  },
  pt: {
    texts: [
      "As crianças vão para a escola de manhã.",
      "Comprei dois livros de história.",
      "As casas perto do mar são caras.",
      "O gato dorme no sofá.",
    ],
    queries: { escolas: 0, "livro de história": 1, casa: 2, gatos: 3 },
  },
  ro: {
    texts: [
      "Copiii merg dimineața la școală.",
      "Am cumpărat două romane de istorie.",
      "Casele de lângă mare sunt scumpe.",
      "Pisica doarme pe canapea.",
    ],
    queries: { copii: 0, "romanul istoriei": 1, casele: 2, pisici: 3 },
  },
  ru: {
    texts: [
      "Дети утром идут в школу.",
      "Я купил две книги по истории.",
      "Дома у моря очень дорогие.",
      "Кошка спит на диване.",
    ],
    queries: { школа: 0, книга: 1, море: 2, кошки: 3 },
  },
  sl: {
    texts: [
      "Otroci gredo zjutraj v šolo.",
      "Kupil sem dve knjigi o zgodovini.",
      "Hiše ob morju so zelo drage.",
      "Mačka spi na kavču.",
    ],
    queries: { šola: 0, knjiga: 1, hiša: 2, mačke: 3 },
  },
  sv: {
    texts: [
      "Barnen går till skolan på morgonen.",
      "Jag köpte två böcker om historia.",
      "Husen vid havet är mycket dyra.",
      "Katten sover på soffan.",
    ],
    queries: { skolor: 0, "böckerna historia": 1, huset: 2, katter: 3 },
  },
  ta: {
    texts: [
      "குழந்தைகள் காலையில் பள்ளிக்குச் செல்கிறார்கள்.",
      "நான் இரண்டு புத்தகங்கள் வாங்கினேன்.",
      "கடல் அருகே உள்ள வீடுகள் விலை அதிகம்.",
      "பூனை சோபாவில் தூங்குகிறது.",
    ],
    queries: { குழந்தை: 0, புத்தகம்: 1, வீடு: 2, பூனை: 3 },
  },
  th: {
    texts: ["เด็กไปโรงเรียนตอนเช้า", "ฉันซื้อหนังสือประวัติศาสตร์สองเล่ม", "บ้านริมทะเลราคาแพง", "แมวนอนบนโซฟา"],
    queries: { โรงเรียน: 0, หนังสือ: 1, ทะเล: 2, แมว: 3 },
  },
  tr: {
    texts: [
      "Çocuklar sabah okula gidiyor.",
      "Tarih üzerine iki kitap aldım.",
      "Deniz kenarındaki evler çok pahalı.",
      "Kedi kanepede uyuyor.",
    ],
    queries: { çocuk: 0, kitaplar: 1, ev: 2, kediler: 3 },
  },
  uk: {
    texts: [
      "Діти вранці йдуть до школи.",
      "Я купив дві книги з історії.",
      "Будинки біля моря дуже дорогі.",
      "Кішка спить на дивані.",
    ],
    queries: { школа: 0, книга: 1, будинок: 2, кішки: 3 },
  },
  ur: {
    texts: [
      "بچے صبح اسکول جاتے ہیں۔",
      "میں نے تاریخ کی دو کتابیں خریدیں۔",
      "سمندر کے کنارے گھر مہنگے ہیں۔",
      "بلی صوفے پر سو رہی ہے۔",
    ],
    queries: { بچوں: 0, کتاب: 1, گھروں: 2, بلیاں: 3 },
  },
  vi: {
    texts: [
      "Trẻ em đi học vào buổi sáng.",
      "Tôi đã mua hai quyển sách lịch sử.",
      "Nhà gần biển rất đắt.",
      "Con mèo ngủ trên ghế sofa.",
    ],
    queries: { "trẻ em": 0, "sách lịch sử": 1, "nhà gần biển": 2, mèo: 3 },
  },
  zh: {
    texts: [
      "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
      "黄山的云海非常壮观。",
      "华山以险峻闻名。",
      "劳动合同法规定了试用期。",
      "知识库支持全文检索。",
      "我在北京大学图书馆看书。",
    ],
    queries: { 明月: 0, 月: 0, 故乡: 0, 黄山: 1, 华山: 2, 合同: 3, 合同法: 3, 检索: 4, 北京: 5, 图书馆: 5 },
  },
};

describe("languages", () => {
  it("are judged, all of them", () => {
    expect(Object.keys(languages)).toEqual(languageCodes);
  });

  it.each(Object.entries(languages))("%s finds what people search for", async (language, judged) => {
    const { texts, queries } = judged;
    const encoder = new Bm25Encoder({ language });
    await encoder.fit(texts);
    const documents = await encoder.encodeDocument(texts);
    const answers: Record<string, number | undefined> = {};
    for (const query of Object.keys(queries)) {
      const vector = await encoder.encodeQuery(query);
      const scores = documents.toRows().map((row) => vector.dot(row));
      const best = Math.max(...scores);
      answers[query] = best > 0 ? scores.indexOf(best) : undefined;
    }
    expect(answers).toEqual(queries);
  });
});
