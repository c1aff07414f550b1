"""The text for people of each reason, in Uzbek, Russian or English.

Uzbek is the default: the guide is written in it, and clients that name no language are programs.
A client that decides by the text must not do so: `reason` is the stable word.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tunnel_gateway.rest.statuses import Reason
from tunnel_gateway.user_language import Language, Texts, in_language

# A header that is longer is not read to its end, and counts as none.
_MAX_HEADER: Final = 256


DEFAULT: Final = Language.UZBEK

# fmt: off
# The columns are Uzbek, Russian and English.
_TEXTS: Final[Mapping[Reason, Texts]] = MappingProxyType({
    Reason.UNREADABLE_REQUEST: (
        "So‘rovni o‘qib bo‘lmadi", "Запрос не читается", "The request cannot be read"),
    Reason.HEAD_TOO_LARGE: (
        "So‘rov sarlavhalari juda uzun", "Заголовки запроса слишком длинные",
        "The headers of the request are too long"),
    Reason.UNKNOWN_PATH: (
        "Bunday metod yo‘q", "Такого метода нет", "There is no such method"),
    Reason.WRONG_VERB: (
        "Bu metod boshqa HTTP usuli bilan chaqiriladi", "Метод вызывается другим методом HTTP",
        "The method is called by another HTTP verb"),
    Reason.NOT_FROM_HERE: (
        "Bu metodni bu manzildan chaqirib bo‘lmaydi",
        "С этого адреса этот метод вызывать нельзя",
        "This method must not be called from this address"),
    Reason.TOO_MANY_CALLS: (
        "So‘rovlar juda ko‘p. Birozdan keyin qayta urinib ko‘ring",
        "Слишком много запросов. Повторите попытку чуть позже",
        "There are too many calls. Try again a little later"),
    Reason.BODY_TOO_LARGE: (
        "Hujjat juda katta", "Документ слишком большой", "The document is too large"),
    Reason.TOO_SLOW: (
        "So‘rov belgilangan vaqtda kelmadi", "Запрос не пришёл за отведённое время",
        "The request did not arrive in time"),
    Reason.BAD_BODY: (
        "So‘rov tanasi noto‘g‘ri", "Тело запроса неверное", "The body of the request is wrong"),
    Reason.STOPPING: (
        "Server to‘xtatilmoqda. Qayta urinib ko‘ring",
        "Сервер останавливается. Повторите попытку", "The server is stopping. Try again"),
    Reason.OVERLOADED: (
        "Server band. Birozdan keyin qayta urinib ko‘ring",
        "Сервер перегружен. Повторите попытку чуть позже",
        "The server is busy. Try again a little later"),
    Reason.NOT_CONFIGURED: (
        "Bu metod serverda sozlanmagan", "Этот метод на сервере не настроен",
        "The server is not configured for this method"),
    Reason.CHALLENGES_AWAY: (
        "Challenge ombori javob bermayapti. Qayta urinib ko‘ring",
        "Хранилище challenge не отвечает. Повторите попытку",
        "The store of the challenges does not answer. Try again"),
    Reason.MOBILE_STORE_AWAY: (
        "Telefondagi imzolar ombori javob bermayapti. Qayta urinib ko‘ring",
        "Хранилище подписей с телефона не отвечает. Повторите попытку",
        "The store of the signatures by phone does not answer. Try again"),
    Reason.AUTHORITY_AWAY: (
        "Vaqt tamg‘asi markazi javob bermayapti. Qayta urinib ko‘ring",
        "Служба меток времени не отвечает. Повторите попытку",
        "The time stamping authority does not answer. Try again"),
    Reason.AUTHORITY_REFUSED: (
        "Vaqt tamg‘asi markazi yaroqli tamg‘a bermadi",
        "Служба меток времени не дала действительной метки",
        "The time stamping authority gave no valid time stamp"),
    Reason.INTERNAL_ERROR: (
        "Serverda xatolik. Server jurnalini tekshiring",
        "Ошибка сервера. Проверьте журнал сервера", "The server failed. Its log says why"),
    Reason.DOCUMENT_UNKNOWN: (
        "DocumentID bo‘yicha yozuv topilmadi yoki muddati o‘tib ketdi. Qayta urinib ko‘ring",
        "Запись по DocumentID не найдена или её срок истёк. Повторите попытку",
        "The documentId was not found, or its time is over. Try again"),
    Reason.OTHER_PURPOSE: (
        "Bu DocumentID boshqa maqsad uchun berilgan",
        "Этот DocumentID выдан для другой цели",
        "This documentId was given for another purpose"),
    Reason.NOT_UPLOADED: (
        "Telefondagi imzo hali kelmadi", "Подпись с телефона ещё не пришла",
        "The signature of the phone has not come yet"),
    Reason.UPLOAD_REFUSED: (
        "Yuklangan imzo qabul qilinmadi", "Загруженная подпись не принята",
        "The uploaded signature is not accepted"),
    Reason.MALFORMED: (
        "PKCS#7 hujjatini o‘qib bo‘lmadi", "Документ PKCS#7 не читается",
        "The PKCS#7 document cannot be read"),
    Reason.NO_DOCUMENT: (
        "PKCS#7 hujjatida asl hujjat yo‘q", "В PKCS#7 нет исходного документа",
        "The PKCS#7 document does not contain the signed document"),
    Reason.OTHER_DOCUMENT: (
        "Ikki PKCS#7 hujjati turli hujjatlarga tegishli",
        "Два PKCS#7 относятся к разным документам",
        "The two PKCS#7 documents are of different documents"),
    Reason.DOCUMENT_CHANGED: (
        "Imzo yaroqsiz: hujjat imzolangan hujjat emas",
        "Подпись недействительна: документ не тот, что был подписан",
        "The signature is not valid: the document is not the signed document"),
    Reason.SIGNATURE_WRONG: (
        "Elektron raqamli imzo yaroqsiz", "Электронная цифровая подпись недействительна",
        "The digital signature is not valid"),
    Reason.CERTIFICATE_MISSING: (
        "PKCS#7 hujjatida imzolovchining sertifikati yo‘q",
        "В PKCS#7 нет сертификата подписавшего",
        "The PKCS#7 document does not contain the signer's certificate"),
    Reason.CHALLENGE_UNKNOWN: (
        "Challenge topilmadi yoki muddati o‘tib ketdi. Qayta urinib ko‘ring",
        "Challenge не найден или его срок истёк. Повторите попытку",
        "The challenge was not found, or its time is over. Try again"),
    Reason.SIGNING_TIME_OFF: (
        "Imzo vaqti yaroqsiz. Kompyuteringizning sana va vaqtini tekshiring",
        "Время подписи неверное. Проверьте дату и время на компьютере",
        "The signing time is wrong. Check the date and the time of the computer"),
    Reason.STAMP_MISSING: (
        "Imzoda vaqt tamg‘asi yo‘q", "У подписи нет метки времени",
        "The signature has no time stamp"),
    Reason.STAMP_MALFORMED: (
        "Vaqt tamg‘asini o‘qib bo‘lmadi", "Метка времени не читается",
        "The time stamp cannot be read"),
    Reason.STAMP_OF_OTHER_SIGNATURE: (
        "Vaqt tamg‘asi boshqa imzoga tegishli", "Метка времени относится к другой подписи",
        "The time stamp is of another signature"),
    Reason.STAMP_SIGNATURE_WRONG: (
        "Vaqt tamg‘asining imzosi yaroqsiz", "Подпись метки времени недействительна",
        "The signature of the time stamp is not valid"),
    Reason.CERTIFICATE_UNTRUSTED: (
        "Sertifikat yaroqsiz: uni ishonchli markaz bermagan",
        "Сертификат недействителен: он выдан не доверенным центром",
        "The certificate is not valid: no trusted centre has issued it"),
    Reason.CERTIFICATE_UNSUITABLE: (
        "Sertifikat imzolash uchun mo‘ljallanmagan", "Сертификат не предназначен для подписи",
        "The certificate is not for signatures"),
    Reason.CERTIFICATE_REVOKED: (
        "Sertifikat bekor qilingan yoki to‘xtatilgan", "Сертификат отозван или приостановлен",
        "The certificate is revoked or suspended"),
    Reason.STAMP_CERTIFICATE_UNTRUSTED: (
        "Vaqt tamg‘asi sertifikati yaroqsiz: uni ishonchli markaz bermagan",
        "Сертификат метки времени недействителен: он выдан не доверенным центром",
        "The time stamp's certificate is not valid: no trusted centre has issued it"),
    Reason.STAMP_CERTIFICATE_UNSUITABLE: (
        "Sertifikat vaqt tamg‘asi uchun mo‘ljallanmagan",
        "Сертификат не предназначен для меток времени",
        "The time stamp's certificate is not for time stamps"),
    Reason.STAMP_CERTIFICATE_REVOKED: (
        "Vaqt tamg‘asi sertifikati bekor qilingan yoki to‘xtatilgan",
        "Сертификат метки времени отозван или приостановлен",
        "The time stamp's certificate is revoked or suspended"),
    Reason.CERTIFICATE_EXPIRED: (
        "Sertifikat imzolash sanasida amal qilmagan", "На дату подписи сертификат не действовал",
        "The certificate was not valid at the time of the signature"),
    Reason.CERTIFICATE_REVOKED_THEN: (
        "Sertifikat imzolash sanasida bekor qilingan yoki to‘xtatilgan edi",
        "На дату подписи сертификат был отозван или приостановлен",
        "The certificate was revoked or suspended at the time of the signature"),
    Reason.STAMP_CERTIFICATE_EXPIRED: (
        "Vaqt tamg‘asi sertifikati tamg‘a sanasida amal qilmagan",
        "На дату метки её сертификат не действовал",
        "The time stamp's certificate was not valid at the time of the stamp"),
    Reason.STAMP_CERTIFICATE_REVOKED_THEN: (
        "Vaqt tamg‘asi sertifikati tamg‘a sanasida bekor qilingan yoki to‘xtatilgan edi",
        "На дату метки её сертификат был отозван или приостановлен",
        "The time stamp's certificate was revoked or suspended at the time of the stamp"),
    Reason.STATUS_UNKNOWN: (
        "Sertifikat holatini tekshirib bo‘lmadi", "Не удалось проверить статус сертификата",
        "The status of the certificate could not be checked"),
    Reason.STAMP_STATUS_UNKNOWN: (
        "Vaqt tamg‘asi sertifikati holatini tekshirib bo‘lmadi",
        "Не удалось проверить статус сертификата метки времени",
        "The status of the time stamp's certificate could not be checked"),
})
# fmt: on


def text_of(reason: Reason, language: Language) -> str:
    """Return the sentence for people, without a full stop."""
    return in_language(_TEXTS[reason], language)


def language_of(accept: str) -> Language:
    """Return the language that an Accept-Language header asks for (RFC 9110, 12.5.4).

    Of equal weights the first one counts. Odd parts do not count, and a header of more than 256
    characters does not count at all.
    """
    if not accept or len(accept) > _MAX_HEADER:
        return DEFAULT
    best, weight = DEFAULT, 0.0
    for part in accept.split(","):
        name, _, parameter = part.partition(";")
        primary = name.strip().partition("-")[0].lower()
        asked = _weight(parameter)
        if primary in _NAMES and asked > weight:
            best, weight = _NAMES[primary], asked
    return best


_NAMES: Final[Mapping[str, Language]] = MappingProxyType(
    {**{str(language): language for language in Language}, "*": DEFAULT}
)


def _weight(parameter: str) -> float:
    """Return the weight of ``q=0.5``; 0 for any other text."""
    if not parameter.strip():
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
