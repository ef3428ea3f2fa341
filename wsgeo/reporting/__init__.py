"""Tables to one plain dict to charts to one offline HTML file."""
