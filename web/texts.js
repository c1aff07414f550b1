// What users read: Uzbek, Russian, English. Uzbek in Cyrillic is made from the first.

export const TEXTS = {
  no_agent: [
    "Imzo agenti topilmadi. Uni ishga tushiring.",
    "Агент подписи не найден. Запустите его.",
    "The signature agent was not found. Start it."],
  not_allowed: [
    "Brauzer qurilmadagi ilovalarni taqiqlagan. Sayt sozlamalarida ruxsat bering va sahifani yangilang.",
    "Браузер закрыл доступ к приложениям на устройстве. Разрешите его в настройках сайта и обновите страницу.",
    "The browser blocks apps on this device. Allow them in the site’s settings and reload the page."],
  https_required: [
    "Sahifani https orqali oching.",
    "Откройте страницу по https.",
    "Open the page by https."],
  cancelled: ["Bekor qilindi.", "Отменено.", "Cancelled."],
  password: [
    "To‘g‘ri parol kiritilmadi. Yana urinib ko‘ring.",
    "Верный пароль не введён. Попробуйте ещё раз.",
    "The right password was not entered. Try again."],
  key: [
    "Kalit o‘qilmadi. Uning diskini ulang yoki boshqa kalitni tanlang.",
    "Ключ не читается. Подключите его диск или выберите другой ключ.",
    "The key cannot be read. Insert its disk or choose another key."],
  no_keys: [
    "Yaroqli kalit topilmadi. Kalitlar diskini ulang.",
    "Действующий ключ не найден. Подключите диск с ключами.",
    "No valid key was found. Insert the disk with your keys."],
  not_permitted: [
    "Bu kalitga ruxsat yo‘q. Boshqa kalitni tanlang.",
    "Этому ключу нет доступа. Выберите другой ключ.",
    "This key has no access. Choose another key."],
  closed: ["Ulanish yopildi.", "Соединение закрыто.", "The connection was closed."],
  later: [
    "Xizmat bilan aloqa yo‘q. Birozdan keyin urinib ko‘ring.",
    "Нет связи со службой. Попробуйте позже.",
    "No connection to the service. Try again later."],
  other: [
    "Bajarilmadi. Sayt ma’muriga ayting: {code}, {message}",
    "Не удалось. Сообщите владельцу сайта: {code}, {message}",
    "It failed. Tell the site’s owner: {code}, {message}"],
  permission: [
    "Brauzer qurilmadagi ilovalarga ruxsat so‘raydi. Ruxsat bering.",
    "Браузер спросит про приложения на устройстве. Разрешите доступ.",
    "The browser will ask about apps on this device. Allow them."],
  cancel: ["Bekor qilish", "Отмена", "Cancel"],
  choose: ["Kalitni tanlang", "Выберите ключ", "Choose a key"],
  pinfl: ["JShShIR", "ПИНФЛ", "PINFL"],
  inn: ["STIR", "ИНН", "INN"],
  over: ["Amal qilmaydi:", "Не действует:", "Not valid:"],
  silent: ["Javob bermayotgan disklar:", "Диски не отвечают:", "Disks do not answer:"],
};
