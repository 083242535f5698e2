/** What exchanges and spreadsheets head the columns of prices with, by preference; case, accents, blanks and punctuation do not matter. */

/** What a column is for. */
export type Role = 'time' | 'price' | 'low' | 'high' | 'implied volatility'

/** Headers of dates that may have the time of day in a column of its own. */
export const DATES: readonly string[] = [
  'date',
  'datum',
  'fecha',
  'data',
  'tarih',
  'дата',
  '日付',
  '日付け',
  '日期',
  '날짜',
]

/** Headers of times of day beside them. */
export const CLOCKS: readonly string[] = [
  ...['time', 'zeit', 'uhrzeit', 'heure', 'hora', 'ora', 'tijd', 'czas', 'godzina', 'saat', 'tid'],
  ...['время', '時刻', '时间', '시간'],
]

export const HEADERS: Readonly<Record<Role, readonly string[]>> = {
  time: [
    ...['asof', 'timestamp', 'time', 'datetime', 'date', 'opentime', 'starttime', 'startat', 'start', 'timeopen'],
    ...['ticks', 'ts', 't', 'snappedat', 'gmttime', 'utctime', 'timestampms', 'unix', 'unixtime', 'unixtimestamp'],
    ...['zeit', 'datum', 'zeitpunkt', 'zeitstempel', 'horodatage', 'fechahora', 'dataora', 'datahora', 'zaman'],
    ...['tijdstip', 'znacznikczasu', 'tijd', 'czas', 'время', '日時', '时间', '時間', '시간', ...DATES],
  ],
  price: [
    ...['price', 'close', 'c', 'closeprice', 'closingprice', 'closelast', 'last', 'lastprice'],
    ...['schluss', 'schlusskurs', 'schlußkurs', 'zuletzt', 'kurs', 'preis', 'clôture', 'dernier', 'cours', 'prix'],
    ...['cierre', 'último', 'precio', 'chiusura', 'prezzo', 'fechamento', 'fecho', 'preço', 'slotkoers', 'slot'],
    ...[
      'laatste',
      'koers',
      'prijs',
      'zamknięcie',
      'ostatnio',
      'cena',
      'kapanış',
      'şimdi',
      'fiyat',
      'senaste',
      'stängning',
    ],
    ...['закрытие', 'цена', '終値', '收盘', '收盘价', '收盤', '收市', '종가'],
  ],
  low: [
    ...[
      'lowest',
      'lo',
      'bottom',
      'trough',
      'daylow',
      'minprice',
      'pricemin',
      'lowpx',
      'pxlow',
      'lowusd',
      'lowusdt',
      'lowusdc',
    ],
    ...['low', 'l', 'lowprice', 'tief', 'tiefst', 'plusbas', 'bas', 'mínimo', 'mínima', 'laag', 'laagste', 'najniższy'],
    ...['düşük', 'lägst', 'minimum', 'min', 'минимум', 'мин', '安値', '最低', '最低价', '低', '저가'],
  ],
  high: [
    ...[
      'highest',
      'hi',
      'top',
      'peak',
      'dayhigh',
      'maxprice',
      'pricemax',
      'highpx',
      'pxhigh',
      'highusd',
      'highusdt',
      'highusdc',
    ],
    ...[
      'high',
      'h',
      'highprice',
      'hoch',
      'höchst',
      'plushaut',
      'haut',
      'máximo',
      'máxima',
      'massimo',
      'hoog',
      'hoogste',
    ],
    ...['najwyższy', 'yüksek', 'högst', 'maximum', 'max', 'максимум', 'макс', '高値', '最高', '最高价', '高', '고가'],
  ],
  'implied volatility': [],
}

/** Headers of a bar's first price; only that there is one matters. */
export const OPENS: readonly string[] = [
  ...['open', 'o', 'openprice', 'eröffn', 'eröffnung', 'erster', 'ouverture', 'ouv', 'apertura', 'abertura', 'opening'],
  ...['otwarcie', 'açılış', 'öppen', 'öppning', 'открытие', 'откр', '始値', '开盘', '开盘价', '開盤', '今开', '시가'],
]
