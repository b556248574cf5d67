"""The sentences around each sentence of a document, which a model reads beside it.

Source: Devlin et al. 2018, section 5.3: "we include the maximal document context provided by the data".
"""

import dataclasses

MOST_WORDS = 256  # on each side: both together as many as BERT reads at once


def with_context(documents, most_words=MOST_WORDS):
    """The TaggedWords of documents, end to end, each with the words before and after it in its document.

    Args:
      documents: lists of TaggedWords.
    """
    found = []
    for document in documents:
        words = tuple(word for one in document for word in one.words)
        place = 0
        for one in document:
            end = place + len(one.words)
            before, after = words[max(0, place - most_words) : place], words[end : end + most_words]
            found.append(dataclasses.replace(one, before=before, after=after))
            place = end
    return found
