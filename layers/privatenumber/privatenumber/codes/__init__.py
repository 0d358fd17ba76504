"""Every code the platform answers or reports, in our own words: API results, call causes, SMS results."""
