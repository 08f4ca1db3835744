import test from 'ava'
import { clip, displayWidth, padEnd, padStart } from '../../../src/cli/terminal/width.ts'

for (const [text, width, what] of [
  ['', 0, 'nothing'],
  ['abc', 3, 'ASCII'],
  ['é', 1, 'a letter in one piece'],
  ['e\u0301', 1, 'a letter and its mark'],
  ['磨坊', 4, 'Han'],
  ['カタカナ', 8, 'Katakana'],
  ['강물', 4, 'Hangul'],
  ['ａ', 2, 'a fullwidth letter'],
  ['「」', 4, 'East Asian punctuation'],
  ['Мельница', 8, 'Cyrillic'],
  ['नदी', 3, 'Devanagari: a vowel sign beside its letter has a column of its own'],
  ['🌾', 2, 'an emoji'],
  ['👩‍👩‍👧', 2, 'a family of three in one picture'],
  ['🇯🇵', 2, 'a flag'],
  ['👍🏽', 2, 'a thumb and its colour'],
  ['❤️', 2, 'a sign made an emoji'],
  ['1️⃣', 2, 'a key'],
  ['a\u200bb', 2, 'a blank of no width'],
  ['·↵→⟨⟩…░▒▓█▀', 11, 'the signs of the command line'],
] as const) {
  test(`${JSON.stringify(text)} takes ${width} columns: ${what}`, (t) => {
    t.is(displayWidth(text), width)
  })
}

test('clip keeps what fits and never half a character', (t) => {
  t.is(clip('abcdef', 6), 'abcdef')
  t.is(clip('abcdef', 5), 'abcd…')
  t.is(clip('磨坊在河', 6), '磨坊…')
  t.is(clip('👩‍👩‍👧👩‍👩‍👧', 3), '👩‍👩‍👧…')
})

test('pads count columns, not characters', (t) => {
  t.is(padEnd('磨', 4), '磨  ')
  t.is(padStart('磨', 4), '  磨')
  t.is(padEnd('abcde', 4), 'abcde')
})
