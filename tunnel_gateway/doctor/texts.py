"""Everything that the doctor says of its own, in Uzbek, Russian and English: one table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.doctor.observation import Row
from tunnel_gateway.user_language import Texts

# fmt: off
# The columns are Uzbek, Russian and English. The first words are those of JSON.
AREAS: Final[Mapping[str, Texts]] = MappingProxyType({
    "clock": ("soat", "часы", "clock"),
    "ports": ("portlar", "порты", "ports"),
    "users": ("foydalanuvchi", "пользователи", "users"),
    "settings": ("sozlamalar", "настройки", "settings"),
    "password": ("parol", "пароль", "password"),
    "truststore": ("ishonch", "доверие", "truststore"),
    "gateway": ("shlyuz", "шлюз", "gateway"),
    "keys": ("kalitlar", "ключи", "keys"),
    "certificate": ("sertifikat", "сертификат", "certificate"),
    "browser": ("brauzer", "браузер", "browser"),
    "proxy": ("proksi", "прокси", "proxy"),
    "permission": ("ruxsat", "разрешение", "permission"),
    "addresses": ("manzillar", "адреса", "addresses"),
    "service": ("xizmat", "служба", "service"),
    # Of `check`, whose sentences are in English only.
    "configuration": ("sozlama fayli", "конфигурация", "configuration"),
    "cryptography": ("kriptografiya", "криптография", "cryptography"),
    "listen": ("tinglash", "приём", "listen"),
    "admin": ("boshqaruv", "управление", "admin"),
    "audit": ("audit", "аудит", "audit"),
    "domain": ("domen", "домен", "domain"),
    "destination": ("ilova", "приложение", "destination"),
    "policy": ("qoidalar", "правила", "policy"),
    "limits": ("chegaralar", "лимиты", "limits"),
    "permissions": ("huquqlar", "права", "permissions"),
    "revocation": ("bekor qilish", "отзыв", "revocation"),
    "status": ("holat", "статус", "status"),
    "time stamps": ("vaqt tamg‘asi", "метки времени", "time stamps"),
    "callers": ("chaqiruvchi", "вызывающие", "callers"),
    "challenges": ("challenge", "challenge", "challenges"),
    "fleet": ("guruh", "группа", "fleet"),
})
SIGNS: Final[Mapping[str, Texts]] = MappingProxyType({
    "ok": ("yaxshi", "хорошо", "ok"),
    "warning": ("qarang", "смотрите", "look"),
    "fault": ("XATO", "ОШИБКА", "WRONG"),
})
LOOKING: Final[Texts] = ("qaralmoqda", "смотрю", "looking")
ALL_WELL: Final[Texts] = ("hammasi joyida", "всё в порядке", "all is well")
SUMMARY: Final[Texts] = (
    "xatolar: {faults}; qarash kerak: {warnings}",
    "ошибок: {faults}; посмотреть: {warnings}",
    "faults: {faults}; to look at: {warnings}",
)

# --- the clock, on both sides ---------------------------------------------------------------------

CLOCK_GOOD: Final = Row("clock", "ok",
    "shu mashinadagi hech narsa soatga zid emas",
    "ничто на этой машине не противоречит её часам",
    "nothing on this machine contradicts the clock")
CLOCK_BEHIND: Final = Row("clock", "fault",
    "soat orqada: {file} fayli {newest} da yozilgan. Sana va vaqtni to‘g‘rilang, avtomatik vaqtni"
    " yoqing",
    "часы отстают: файл {file} записан {newest}. Исправьте дату и время, включите автоматическое"
    " время",
    "the clock is behind: the file {file} was written at {newest}. Set date and time, and turn the"
    " automatic time on")
CLOCK_NOT_KEPT: Final = Row("clock", "warning",
    "soatni hech narsa to‘g‘rilab turmaydi. Avtomatik vaqtni yoqing: timedatectl set-ntp true",
    "часы никто не подводит. Включите автоматическое время: timedatectl set-ntp true",
    "nothing keeps the clock right. Turn the automatic time on: timedatectl set-ntp true")
CLOCK_AGREES: Final = Row("clock", "ok",
    "shu mashinaning soati u yerdagi vaqtdan {seconds} soniya farq qiladi",
    "часы этой машины расходятся с тамошним временем на {seconds} с",
    "the clock of this machine differs by {seconds} s from the time there")
CLOCK_OFF: Final = Row("clock", "warning",
    "shu mashinaning soati u yerdagi vaqtdan {seconds} soniya farq qiladi. Qaysi biri noto‘g‘ri?"
    " chronyc tracking yoki timedatectl ko‘rsatadi",
    "часы этой машины расходятся с тамошним временем на {seconds} с. Какие неверны? Покажут"
    " chronyc tracking или timedatectl",
    "the clock of this machine differs by {seconds} s from the time there. Which of the two is"
    " wrong? chronyc tracking or timedatectl shows it")

# --- the user's side: the agent and its ports -----------------------------------------------------

AGENT_ANSWERS: Final = Row("ports", "ok",
    "agent shu portda javob beradi", "на этом порту отвечает агент", "the agent answers here")
PORT_FREE: Final = Row("ports", "ok",
    "port bo‘sh", "порт свободен", "the port is free")
PORT_HELD: Final = Row("ports", "ok",
    "portni {holder} egallagan", "порт занят: {holder}", "held by {holder}")
HOLDER_SILENT: Final = Row("ports", "warning",
    "portni {holder} egallagan, lekin u javob bermayapti. Uni to‘xtatib, qayta ishga tushiring",
    "порт занят: {holder}, но ответа нет. Завершите эту программу и запустите снова",
    "held by {holder}, which does not answer. End it and start it again")
PORTS_TAKEN: Final = Row("ports", "fault",
    "agent uchun joy yo‘q: ikkala juft portni boshqa dasturlar egallagan. Ulardan birini yoping",
    "агенту нет места: обе пары портов заняты другими программами. Завершите одну из них",
    "there is no place for the agent: other programs hold both pairs of ports. End one of them")
AGENT_ABSENT: Final = Row("ports", "warning",
    "agent ishlamayapti, sahifalar uni topmaydi. Ishga tushiring: tunnel-gateway agent",
    "агент не работает, страницы его не найдут. Запустите: tunnel-gateway agent",
    "the agent does not run, so no page finds it. Start it: tunnel-gateway agent")
OTHER_USER: Final = Row("users", "fault",
    "portni boshqa foydalanuvchi, {user}, egallagan, sizning agentingizga joy qolmagan. {user}"
    " agentini to‘xtatsin yoki tizimdan chiqsin",
    "порт занят другим пользователем: {user}, и вашему агенту нет места. Пусть {user} завершит"
    " свой агент или выйдет из системы",
    "another user, {user}, holds the port, and there is no place for your agent. Let {user} end"
    " theirs or log out")
IMPOSTOR: Final = Row("users", "fault",
    "bu dastur o‘zini agent deydi, lekin u {user} foydalanuvchiga tegishli. Sahifalar unga hujjat"
    " berishi mumkin: kompyuter ma’muriga ayting",
    "программа выдаёт себя за агента, но принадлежит пользователю {user}. Страницы могут отдать ей"
    " документы: сообщите администратору компьютера",
    "the program says that it is an agent, but it belongs to the user {user}. Pages may give it"
    " documents: tell the administrator of this computer")
FOLDER_OF_OTHER: Final = Row("users", "fault",
    "papka {user} foydalanuvchiga tegishli, agent unga yozolmaydi. Balki agent bir marta sudo"
    " bilan ishga tushirilgandir: sudo chown -R {me} {folder}",
    "папка принадлежит пользователю {user}, агент не может в неё писать. Возможно, агента однажды"
    " запустили через sudo: sudo chown -R {me} {folder}",
    "the folder belongs to the user {user}, so the agent cannot write there. Maybe somebody"
    " started the agent with sudo once: sudo chown -R {me} {folder}")
BY_SUDO: Final = Row("users", "warning",
    "tekshiruv sudo bilan ishlayapti va boshqa foydalanuvchining fayllarini ko‘radi. Uni {user}"
    " nomidan sudo’siz ishga tushiring",
    "проверка запущена через sudo и видит файлы другого пользователя. Запустите её от имени {user}"
    " без sudo",
    "the doctor runs by sudo and sees the files of another user. Run it as {user}, without sudo")

# --- the user's side: settings and files ----------------------------------------------------------

SETTINGS_GOOD: Final = Row("settings", "ok",
    "xato yo‘q; shlyuzlar: {gateways}",
    "ошибок нет; шлюзы: {gateways}",
    "no fault; gateways: {gateways}")
SETTINGS_WRONG: Final = Row("settings", "fault",
    "agent shu sozlama bilan ishga tushmaydi: {fault}",
    "с этой настройкой агент не запустится: {fault}",
    "the agent does not start with this: {fault}")
NO_GATEWAYS: Final = Row("settings", "warning",
    "birorta shlyuz ko‘rsatilmagan: agent imzolaydi, lekin tunnel ochmaydi."
    " agent.tunnel.DOMEN=HOST:PORT qatorini qo‘shing yoki faylni --settings bilan ko‘rsating",
    "не указан ни один шлюз: агент подписывает, но туннелей не открывает. Добавьте строку"
    " agent.tunnel.ДОМЕН=HOST:PORT или укажите файл через --settings",
    "no gateway is named: the agent signs, but makes no tunnel. Add a line"
    " agent.tunnel.DOMAIN=HOST:PORT, or name the file with --settings")
NO_TRUSTSTORE: Final = Row("truststore", "fault",
    "ishonchli sertifikatlar fayli ko‘rsatilmagan, shuning uchun tunnel ochilmaydi."
    " agent.truststore.file=FAYL qatorini qo‘shing",
    "не указан файл доверенных сертификатов, поэтому туннели не открываются. Добавьте строку"
    " agent.truststore.file=ФАЙЛ",
    "no file of trusted certificates is named, so there are no tunnels. Add the line"
    " agent.truststore.file=FILE")
TRUSTSTORE_WRONG: Final = Row("truststore", "fault",
    "faylni ishlatib bo‘lmaydi: {fault}",
    "файл не годится: {fault}",
    "the file cannot be used: {fault}")
ANCHOR_GOOD: Final = Row("truststore", "ok",
    "{until} gacha amal qiladi", "действует до {until}", "valid until {until}")
ANCHOR_ENDS: Final = Row("truststore", "warning",
    "{until} da tugaydi. Markazdan yangisini oling",
    "истекает {until}. Получите в центре новый",
    "ends on {until}. Get the new one from the centre")
ANCHOR_ENDED: Final = Row("truststore", "fault",
    "{until} da tugagan. Markazdan yangisini oling, yoki soatni tekshiring",
    "истёк {until}. Получите в центре новый или проверьте часы",
    "ended on {until}. Get the new one from the centre, or look at the clock")
DIALOG_GOOD: Final = Row("password", "ok",
    "agent parolni shu dastur oynasida so‘raydi",
    "агент спрашивает пароль в окне этой программы",
    "the agent asks for passwords with this program")
DIALOG_ON_TERMINAL: Final = Row("password", "warning",
    "pinentry o‘rnatilmagan: agent parolni o‘zi ishga tushirilgan terminalda so‘raydi. Oyna uchun"
    " pinentry o‘rnating",
    "pinentry не установлен: агент спрашивает пароль в терминале, из которого запущен. Для окна"
    " установите pinentry",
    "pinentry is not installed: the agent asks on the terminal that started it. Install pinentry"
    " for a window")
DIALOG_NO_SCREEN: Final = Row("password", "warning",
    "pinentry bor, lekin shu seansda ekran ham, terminal ham yo‘q. Agentni ish stolidan ishga"
    " tushiring",
    "pinentry есть, но в этом сеансе нет ни экрана, ни терминала. Запустите агента из рабочего"
    " стола",
    "pinentry is there, but this session has no screen and no terminal. Start the agent from the"
    " desktop")
CERTIFICATE_ABSENT: Final = Row("certificate", "warning",
    "https sahifalar uchun sertifikat hali yaratilmagan. Agentni bir marta ishga tushiring",
    "сертификат для страниц https ещё не создан. Запустите агента один раз",
    "the certificate for https pages is not made yet. Start the agent once")
CERTIFICATE_GOOD: Final = Row("certificate", "ok",
    "{until} gacha amal qiladi", "действует до {until}", "valid until {until}")
CERTIFICATE_ENDED: Final = Row("certificate", "fault",
    "{since} dan {until} gacha amal qiladi, hozir emas. Soatni tekshiring, keyin agentni qayta"
    " ishga tushiring",
    "действует с {since} до {until}, но не сейчас. Проверьте часы и перезапустите агента",
    "valid from {since} until {until}, not now. Look at the clock, then start the agent again")

# --- the user's side: gateways and keys -----------------------------------------------------------

GATEWAY_GOOD: Final = Row("gateway", "ok",
    "{gateway} domenni isbotladi; sertifikati {until} gacha amal qiladi",
    "{gateway} доказал домен; его сертификат действует до {until}",
    "{gateway} has proven the domain; its certificate is valid until {until}")
GATEWAY_AWAY: Final = Row("gateway", "fault",
    "shlyuzga ulanib bo‘lmadi. Internetni va manzilni tekshiring: {fault}",
    "до шлюза не достучаться. Проверьте интернет и адрес: {fault}",
    "the gateway cannot be reached. Look at the internet and the address: {fault}")
GATEWAY_EXPIRED: Final = Row("gateway", "fault",
    "shu mashinaning soati bo‘yicha shlyuz sertifikatining muddati to‘g‘ri kelmaydi. Avval soatni"
    " tekshiring: {fault}",
    "по часам этой машины сертификат шлюза сейчас не действует. Сначала проверьте часы: {fault}",
    "by the clock of this machine, the gateway's certificate is not valid now. Look at the clock"
    " first: {fault}")
GATEWAY_NOT_PROVEN: Final = Row("gateway", "warning",
    "{gateway} ulanishni qabul qiladi. Ishonchli sertifikatlarsiz u domenni isbotlay olmaydi",
    "{gateway} принимает соединения. Без доверенных сертификатов домен не доказать",
    "{gateway} takes connections. Without trusted certificates it cannot prove the domain")
GATEWAY_BY_STP: Final = Row("gateway", "ok",
    "{gateway} ulanishni qabul qiladi. STP bo‘yicha u domenni faqat kaliti bor foydalanuvchiga"
    " isbotlaydi",
    "{gateway} принимает соединения. По STP домен доказывается только пользователю с ключом",
    "{gateway} takes connections. By STP it proves the domain only to a user with a key")
GATEWAY_WRONG: Final = Row("gateway", "fault",
    "{gateway} javob beradi, lekin domenni isbotlamadi: {fault}",
    "{gateway} отвечает, но домен не доказал: {fault}",
    "{gateway} answers, but does not prove the domain: {fault}")
KEYS_THERE: Final = Row("keys", "ok",
    "{count} ta kalit", "ключей: {count}", "{count} keys")
KEYS_ABSENT: Final = Row("keys", "warning",
    "kalit topilmadi. *.pfx fayllarini shu papkaga yoki fleshkadagi DSKEYS papkasiga qo‘ying",
    "ключи не найдены. Положите файлы *.pfx в эту папку или в папку DSKEYS на флешке",
    "no keys are there. Put the *.pfx files into this folder, or into DSKEYS of a stick")
KEY_ENDED: Final = Row("keys", "warning",
    "kalit muddati {until} da tugagan. Yangi kalit oling",
    "срок ключа истёк {until}. Получите новый",
    "the key ended on {until}. Get a new one")
KEY_ENDS: Final = Row("keys", "warning",
    "kalit muddati {until} da tugaydi. Yangisini oldindan oling",
    "срок ключа истекает {until}. Получите новый заранее",
    "the key ends on {until}. Get a new one in time")
DISK_SILENT: Final = Row("keys", "warning",
    "disk javob bermayapti. Fleshkani chiqarib qayta qo‘ying yoki tarmoq papkasini qayta ulang;"
    " boshqa disklar ishlayveradi",
    "диск не отвечает. Выньте флешку и вставьте снова или подключите сетевую папку заново;"
    " остальные диски работают",
    "the disk does not answer. Take the stick out and put it in again, or bring its network share"
    " back; the other disks go on")

# --- the user's side: browsers --------------------------------------------------------------------

TRUSTED: Final = Row("browser", "ok",
    "agentning sertifikatiga ishonadi",
    "доверяет сертификату агента",
    "trusts the agent's certificate")
NOT_TRUSTED: Final = Row("browser", "warning",
    "agentning sertifikatiga ishonmaydi, https sahifalar ulana olmaydi. Buyruqlar: tunnel-gateway"
    " agent trust",
    "не доверяет сертификату агента, страницы https не подключатся. Команды: tunnel-gateway agent"
    " trust",
    "does not trust the agent's certificate, so https pages cannot connect. The commands are in:"
    " tunnel-gateway agent trust")
STORE_UNREADABLE: Final = Row("browser", "warning",
    "ombor o‘qilmadi: {fault}. Brauzer sozlamalarida ko‘ring: sertifikatlar, markazlar,"
    " tunnel-gateway agent",
    "хранилище не читается: {fault}. Посмотрите в настройках браузера: сертификаты, центры,"
    " tunnel-gateway agent",
    "the store cannot be read: {fault}. Look in the browser's settings: certificates, authorities,"
    " tunnel-gateway agent")
NO_CERTUTIL: Final = Row("browser", "warning",
    "certutil yo‘q, shuning uchun omborga qarab bo‘lmaydi. libnss3-tools o‘rnating yoki brauzer"
    " sozlamalarida ko‘ring: sertifikatlar, markazlar, tunnel-gateway agent",
    "certutil не установлен, хранилище не посмотреть. Установите libnss3-tools или посмотрите в"
    " настройках браузера: сертификаты, центры, tunnel-gateway agent",
    "certutil is missing, so the store cannot be read. Install libnss3-tools, or look in the"
    " browser's settings: certificates, authorities, tunnel-gateway agent")
NO_STORES: Final = Row("browser", "warning",
    "bu foydalanuvchida brauzer ombori topilmadi. Brauzer ishonchi haqida: tunnel-gateway agent"
    " trust",
    "у этого пользователя нет хранилищ браузеров. О доверии браузеров: tunnel-gateway agent trust",
    "this user has no browser's store that the doctor knows. Trust is explained by: tunnel-gateway"
    " agent trust")
SITE_BLOCKED: Final = Row("permission", "fault",
    "{browser} bu saytga shu kompyuterdagi dasturlarni chaqirishga yo‘l qo‘ymaydi. Saytni oching,"
    " manzilning chap tomonidagi belgini bosing va ruxsat bering; yoki"
    " chrome://settings/content/siteDetails?site={site}",
    "{browser} не пускает этот сайт к программам на компьютере. Откройте сайт, нажмите значок"
    " слева от адреса и разрешите; или chrome://settings/content/siteDetails?site={site}",
    "{browser} does not let this site call programs on the computer. Open the site, press the icon"
    " left of its address and allow it; or chrome://settings/content/siteDetails?site={site}")
SITE_PAUSED: Final = Row("permission", "warning",
    "{browser} bir hafta so‘ramaydi: savol bir necha marta javobsiz qolgan. Saytni oching,"
    " manzilning chap tomonidagi belgini bosing va ruxsat bering",
    "{browser} неделю не будет спрашивать: вопрос несколько раз остался без ответа. Откройте сайт,"
    " нажмите значок слева от адреса и разрешите",
    "{browser} does not ask for a week: its question had no answer several times. Open the site,"
    " press the icon left of its address and allow it")
BLOCKED_BY_POLICY: Final = Row("permission", "fault",
    "tashkilot qoidasi saytlarga shu kompyuterdagi dasturlarni taqiqlaydi: {value}."
    " Administratorga murojaat qiling",
    "правило организации закрывает сайтам программы на компьютере: {value}. Обратитесь к"
    " администратору",
    "a rule of the organisation keeps sites away from programs on the computer: {value}. Ask the"
    " administrator")
PERMISSION_TOLD: Final = Row("permission", "ok",
    "birorta saytga taqiq yo‘q. 147-versiyadan Chrome birinchi chaqiruvda ruxsat so‘raydi: «Ruxsat"
    " berish»ni bosing. Ko‘rish: manzilning chap tomonidagi belgi, sayt sozlamalari",
    "ни один сайт не закрыт. С версии 147 Chrome спрашивает при первом обращении: нажмите"
    " «Разрешить». Посмотреть: значок слева от адреса, настройки сайта",
    "no site is blocked. Chrome asks at the first call, from version 147 on: press Allow. To see"
    " it: the icon left of the address, site settings")

# --- proxies, on both sides -----------------------------------------------------------------------

NO_PROXY_SET: Final = Row("proxy", "ok",
    "127.0.0.1 ni yutadigan proksi yo‘q",
    "прокси, который забирает 127.0.0.1, нет",
    "no proxy swallows 127.0.0.1")
PROXY_SWALLOWS: Final = Row("proxy", "warning",
    "proksi {proxy} 127.0.0.1 ni ham oladi. {where} ga 127.0.0.1,localhost ni qo‘shing",
    "прокси {proxy} забирает и 127.0.0.1. Добавьте 127.0.0.1,localhost в {where}",
    "the proxy {proxy} also gets 127.0.0.1. Add 127.0.0.1,localhost to {where}")
PROXY_SCRIPT: Final = Row("proxy", "ok",
    "ish stoli proksi skriptidan foydalanadi: {proxy}. U 127.0.0.1 uchun DIRECT deyishi kerak",
    "рабочий стол использует скрипт прокси: {proxy}. Для 127.0.0.1 он должен отвечать DIRECT",
    "the desktop uses a proxy script: {proxy}. It must answer DIRECT for 127.0.0.1")
FIREFOX_HIJACKS: Final = Row("proxy", "warning",
    "Firefox 127.0.0.1 ni ham proksiga yuboradi. about:config da"
    " network.proxy.allow_hijacking_localhost ni false qiling",
    "Firefox посылает прокси и 127.0.0.1. В about:config поставьте"
    " network.proxy.allow_hijacking_localhost в false",
    "Firefox sends 127.0.0.1 to the proxy, too. Set network.proxy.allow_hijacking_localhost to"
    " false in about:config")
GATEWAY_PASSES_PROXY: Final = Row("proxy", "ok",
    "muhitda proksi bor: {proxy}. Shlyuz undan foydalanmaydi, so‘rovlari to‘g‘ridan-to‘g‘ri boradi",
    "в окружении есть прокси: {proxy}. Шлюз им не пользуется, его запросы идут напрямую",
    "the environment has a proxy: {proxy}. The gateway does not use it; its requests go directly")
GATEWAY_NEEDS_ROUTE: Final = Row("proxy", "warning",
    "muhitda proksi bor: {proxy}, lekin shlyuz undan foydalanmaydi va {count} manzil javob"
    " bermadi. Ularga to‘g‘ridan-to‘g‘ri yo‘l oching",
    "в окружении есть прокси: {proxy}, но шлюз им не пользуется, и адресов без ответа: {count}."
    " Откройте к ним прямую дорогу",
    "the environment has a proxy: {proxy}, but the gateway does not use it, and {count} addresses"
    " did not answer. Open a direct way to them")

# --- the gateway's side ---------------------------------------------------------------------------

ADDRESS_ANSWERS: Final = Row("addresses", "ok",
    "javob beradi ({status})", "отвечает ({status})", "answers ({status})")
ADDRESS_SILENT: Final = Row("addresses", "warning",
    "javob bermaydi: {fault}. Xavfsizlik devori va DNSni tekshiring. Bekor qilish ro‘yxatlarini"
    " tunnel.crl.dir papkasiga qo‘yish ham mumkin",
    "не отвечает: {fault}. Проверьте межсетевой экран и DNS. Списки отзыва можно класть и в"
    " tunnel.crl.dir",
    "does not answer: {fault}. Look at the firewall and the DNS. Revocation lists can also be put"
    " into tunnel.crl.dir")
NO_ADDRESSES: Final = Row("addresses", "ok",
    "sozlamada va sertifikatlarda so‘raladigan manzil yo‘q",
    "в настройках и сертификатах нет адресов, которые надо спрашивать",
    "settings and certificates name no address to ask")
UNIT_RUNS: Final = Row("service", "ok",
    "systemd xizmati ishlayapti ({state}), qayta ishga tushishlar: {restarts}",
    "служба systemd работает ({state}), перезапусков: {restarts}",
    "the unit of systemd runs ({state}), restarts: {restarts}")
UNIT_RESTARTED: Final = Row("service", "warning",
    "systemd xizmati ishlayapti ({state}), lekin {restarts} marta qayta ishga tushgan. Sababi:"
    " journalctl -u {unit} -p err",
    "служба systemd работает ({state}), но перезапускалась {restarts} раз. Причина: journalctl -u"
    " {unit} -p err",
    "the unit of systemd runs ({state}), but was restarted {restarts} times. The reason:"
    " journalctl -u {unit} -p err")
UNIT_DOWN: Final = Row("service", "fault",
    "systemd xizmati ishlamayapti ({state}, {result}). Sababi: journalctl -u {unit} -n 50; ishga"
    " tushirish: systemctl start {unit}",
    "служба systemd не работает ({state}, {result}). Причина: journalctl -u {unit} -n 50; запуск:"
    " systemctl start {unit}",
    "the unit of systemd does not run ({state}, {result}). The reason: journalctl -u {unit} -n 50;"
    " start it: systemctl start {unit}")
UNIT_NOT_ENABLED: Final = Row("service", "warning",
    "mashina qayta yonganda xizmat ishga tushmaydi. Yoqing: systemctl enable {unit}",
    "после перезагрузки машины служба не запустится. Включите: systemctl enable {unit}",
    "the unit does not start when the machine boots. Enable it: systemctl enable {unit}")
UNIT_ABSENT: Final = Row("service", "ok",
    "bu mashinada systemd xizmati yo‘q",
    "на этой машине нет службы systemd",
    "this machine has no unit of systemd for it")
# fmt: on
