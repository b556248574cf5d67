"""Where the words that BERT's tokenizer sees lie in a raw text.

Source: google-research/bert, tokenization.py, class BasicTokenizer: what it sets apart.
"""

from bertline.processors.tokenizers.rules.character_rules import is_cjk, is_mark, is_punctuation, is_removed


def word_places(text):
    """(start, end) of each word and punctuation mark of a text, in characters, in order.

    White space ends a word; punctuation marks and ideographs are words of their own. Characters that BERT removes
    belong to a word where they stand inside it; combining marks belong to what stands before them.
    """
    places, is_open = [], False  # whether the last word goes on
    for place, char in enumerate(text):
        if char.isspace() and not is_removed(char):
            is_open = False
        elif is_removed(char):
            continue
        elif is_mark(char) and places and places[-1][1] == place:
            places[-1][1] = place + 1
        elif is_punctuation(char) or is_cjk(char):
            places.append([place, place + 1])
            is_open = False
        elif is_open:
            places[-1][1] = place + 1
        else:
            places.append([place, place + 1])
            is_open = True
    return [(start, end) for start, end in places]
